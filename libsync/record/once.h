// pthread_once: the thread that runs the routine holds the flag until the routine is over. An exception or a
// cancellation may end it too, and so may a jump.
#ifndef GORDIAN_LIBSYNC_RECORD_ONCE_H_
#define GORDIAN_LIBSYNC_RECORD_ONCE_H_

#include <pthread.h>

#include "libsync/record/acquire.h"
#include "libsync/record/locks.h"

namespace gordian::record {

inline ObjectFacts OnceFacts(pthread_once_t* once) {
  return ObjectFacts{once, trace::LockKind::kOnce, 0, nullptr, 0, false};
}
// The routine returned.
void EndOnceRoutine(pthread_once_t* once);
// The routine that this thread began last was left otherwise.
void LeaveOnceRoutine();
// Any of them may have been left: none is held.
void LeaveAllOnceRoutines();
// The call of `attempt` is over, and so is the flag as a lock: it never keeps anybody waiting again.
void EndOnce(const Attempt& attempt, const pthread_once_t* once);

}  // namespace gordian::record

#endif  // GORDIAN_LIBSYNC_RECORD_ONCE_H_
