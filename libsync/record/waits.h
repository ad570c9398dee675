// Waits for what nobody holds: a thread's or a process's end, a barrier, a futex word.
#ifndef GORDIAN_LIBSYNC_RECORD_WAITS_H_
#define GORDIAN_LIBSYNC_RECORD_WAITS_H_

#include <cstdint>

#include "libsync/record/stack.h"
#include "libsync/record/thread.h"
#include "libsync/trace/layout.h"

namespace gordian::record {

// Null: unrecorded.
Thread* BeginWait(Entry* entry, trace::WaitKind kind, trace::Ref object, int64_t value, bool timed,
                  trace::Ref stack);
void EndWait(Thread* thread);

// A wait at a futex word that no hook knows the owner of. Counted under coverage, once for each place, but
// for the guard of a static variable: who is at it is found in the code.
struct FutexWait {
  Thread* thread;  // null: unrecorded
  trace::Ref word;
  uint32_t wakes;  // that were made when it began
};
FutexWait BeginFutexWait(uintptr_t word, uint32_t expected, bool timed, const Site& site);
void EndFutexWait(const FutexWait& wait, bool woken);
// Before the real call: what the thread did so far comes before what those do that it wakes.
void RecordFutexWake(uintptr_t word);

// The thread goes to wait without a timeout for the end of a thread or a child. `kind`: kAwaitsThread or
// kAwaitsChild. REQUIRES: inside the recorder.
void RecordAwaitedEnd(Thread* thread, trace::Ref whose, trace::DependencyFlags kind, trace::Ref stack);

}  // namespace gordian::record

#endif  // GORDIAN_LIBSYNC_RECORD_WAITS_H_
