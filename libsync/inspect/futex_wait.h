// From a futex wait to the object of the C library that is waited for, and its owner.
//
// Two witnesses must agree: the function of the C library that the thread is in, and what lies in the memory
// at the futex. Where one is missing (a stripped static program) the memory alone must leave no doubt; where
// they contradict each other the wait stays one for a futex that nobody is known to own.
//
// Thread safety: functions without shared state.
#ifndef GORDIAN_LIBSYNC_INSPECT_FUTEX_WAIT_H_
#define GORDIAN_LIBSYNC_INSPECT_FUTEX_WAIT_H_

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "libsync/inspect/libc_layout.h"
#include "libsync/inspect/memory.h"
#include "libsync/inspect/proc.h"
#include "libsync/trace/run.h"

namespace gordian::inspect {

struct FutexWait {
  // kLock, kCondition, kBarrier, kJoin, or kFutex where it is not known what it is.
  trace::WaitKind wait = trace::WaitKind::kFutex;
  trace::LockKind kind = trace::LockKind::kUnknown;
  trace::Mode mode = trace::Mode::kExclusive;
  uint16_t flags = 0;  // trace::LockFlags
  bool timed = false;
  bool shared = false;   // other processes may wake it
  uint64_t address = 0;  // of the object
  // As the C library wrote it down: a tid of the process's own pid namespace. kLock: who holds it, 0: nobody
  // is written down. kJoin: whom.
  pid_t owner = 0;
  uint32_t readers = 0;    // of a read-write lock: how many are inside
  bool of_malloc = false;  // a lock of an arena of the C library's allocator, which has no owner in it
  bool of_libc = false;    // another lock of the C library's own without an owner in it
  // A low-level lock that somebody has, by its word: perhaps one of the C library's own.
  bool contended = false;
  bool operator==(const FutexWait&) const = default;
};

bool IsFutexWait(const TaskWait& wait);

struct FutexWitnesses {
  const LibcLayout* layout = nullptr;  // nullptr: objects have no known layout
  const Memory* memory = nullptr;
  std::vector<std::string> functions;              // of the thread's innermost frames, innermost first
  std::function<bool(pid_t inner_tid)> is_thread;  // of the process
  bool in_libc = false;                            // the futex lies in the C library's own variables
};

// A function of the C library's allocator, as Unwinder::FunctionAt gives it.
bool IsAllocator(const std::string& function);

// One in which a thread only waits for a low-level lock, whichever that is.
bool IsLowLevelWait(const std::string& function);

// REQUIRES: IsFutexWait(wait).
FutexWait IdentifyFutexWait(const TaskWait& wait, const FutexWitnesses& witnesses);

}  // namespace gordian::inspect

#endif  // GORDIAN_LIBSYNC_INSPECT_FUTEX_WAIT_H_
