// The mutex of a condition wait: the caller holds it, and all who wait at the same time wait with the same.
#ifndef GORDIAN_LIBSYNC_RECORD_CONDITION_MUTEX_H_
#define GORDIAN_LIBSYNC_RECORD_CONDITION_MUTEX_H_

#include "libsync/record/locks.h"
#include "libsync/record/thread.h"
#include "libsync/trace/layout.h"

namespace gordian::record {

// `thread` is about to wait on `condition` with `mutex`, which it holds by our records or not: recorded as
// kConditionMutex where that is wrong, as kUseAfterDestroy where the mutex was destroyed.
// REQUIRES: inside the recorder.
void CheckConditionMutex(Thread* thread, trace::Ref condition, trace::Ref mutex,
                         const ObjectFacts& mutex_facts, bool held, trace::Ref stack);

}  // namespace gordian::record

#endif  // GORDIAN_LIBSYNC_RECORD_CONDITION_MUTEX_H_
