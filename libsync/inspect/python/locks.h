// Which Python lock a thread waits for, and which ones it holds.
//
// A threading.Lock has no owner in any version. But a frame that is inside `with lock:` keeps what will
// release the lock on its value stack, below the depth that the exception table (to 3.10: the block stack)
// gives for the current instruction, where every slot is live. So who holds a lock is known for each `with`;
// what was taken by acquire() alone is not. An RLock says itself which thread owns it.
//
// Thread safety: none; one thread at a time.
#ifndef GORDIAN_LIBSYNC_INSPECT_PYTHON_LOCKS_H_
#define GORDIAN_LIBSYNC_INSPECT_PYTHON_LOCKS_H_

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "libsync/inspect/python/interpreter.h"
#include "libsync/inspect/python/variables.h"
#include "libsync/trace/run.h"

namespace gordian::inspect::python {

struct PythonLock {
  uint64_t object = 0;
  uint64_t semaphore = 0;  // of the C library, that it is made of
  bool reentrant = false;  // an RLock
};

struct HeldLock {
  PythonLock lock;
  std::vector<trace::Frame> stack;  // from the `with` statement; empty: not known
};

class Locks {
 public:
  // Both must outlive this.
  Locks(Interpreter* interpreter, Variables* variables) : interpreter_(interpreter), variables_(variables) {}

  std::vector<HeldLock> HeldBy(pid_t inner_tid);
  // The lock of which a semaphore is a part, where a frame of the thread that waits for it refers to it.
  std::optional<PythonLock> WaitedFor(pid_t inner_tid, uint64_t semaphore);

 private:
  using Frame = Interpreter::Frame;

  std::optional<PythonLock> AsLock(uint64_t object);
  // The lock that a slot of the value stack will release.
  std::optional<PythonLock> ReleasedBy(uint64_t slot);
  // How many slots of the value stack are live for sure, and the instruction at which the innermost of its
  // blocks began.
  struct Block {
    uint64_t depth = 0;
    int64_t start = 0;
  };
  std::vector<Block> BlocksOf(const Frame& frame) const;
  std::vector<Block> OldBlocks(const Frame& frame) const;
  uint64_t StackBase(const Frame& frame) const;

  Interpreter* interpreter_;
  Variables* variables_;
};

}  // namespace gordian::inspect::python

#endif  // GORDIAN_LIBSYNC_INSPECT_PYTHON_LOCKS_H_
