// What Python knows of its threads beside their stacks.
//
// Thread safety: none; one thread at a time.
#ifndef GORDIAN_LIBSYNC_INSPECT_PYTHON_THREADS_H_
#define GORDIAN_LIBSYNC_INSPECT_PYTHON_THREADS_H_

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "libsync/inspect/python/interpreter.h"
#include "libsync/inspect/python/variables.h"

namespace gordian::inspect::python {

class Threads {
 public:
  // Both must outlive this.
  Threads(Interpreter* interpreter, Variables* variables)
      : interpreter_(interpreter), variables_(variables) {}

  // The name that threading.Thread has for it; empty: it is none of those.
  std::string NameOf(pid_t inner_tid);
  // The thread that one in Thread.join() waits for, or at the interpreter's end; 0: it is not there, or that
  // thread is no more.
  pid_t JoinedBy(pid_t inner_tid);

 private:
  // Its threading.Thread; 0: none.
  uint64_t ThreadObject(pid_t inner_tid);
  pid_t AwaitedAtExit(const Interpreter::Frame& shutdown);

  Interpreter* interpreter_;
  Variables* variables_;
};

}  // namespace gordian::inspect::python

#endif  // GORDIAN_LIBSYNC_INSPECT_PYTHON_THREADS_H_
