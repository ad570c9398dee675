// How long locks are held and waited for, where that is asked for (Config::times_holds, times_waits). All
// calls then go the slow way, so that every acquisition and every release comes by here.
#ifndef GORDIAN_LIBSYNC_RECORD_DURATIONS_H_
#define GORDIAN_LIBSYNC_RECORD_DURATIONS_H_

#include <cstdint>

#include "libsync/record/stack.h"
#include "libsync/record/thread.h"
#include "libsync/trace/layout.h"

namespace gordian::record {

// False for a file lock, which is often meant to be held for the life of the process, and for a semaphore
// that is not known to be used as a lock.
bool KeepsOthersOut(trace::Ref lock);

// Makes room in Thread::held_since. REQUIRES: inside the recorder.
void GrowHeldSince(Thread* thread, uint32_t capacity);

// What stands at `index` of the thread's holdings ends here; kLongHold if it lasted longer than
// Config::hold_ms. REQUIRES: inside the recorder.
void RecordHolding(Thread* thread, int index, const Site& site);

// The calling thread waited for the lock; kLongWait if that was longer than Config::wait_ms.
void RecordWait(trace::Ref lock, trace::Ref stack, uint64_t lasted_ns);

}  // namespace gordian::record

#endif  // GORDIAN_LIBSYNC_RECORD_DURATIONS_H_
