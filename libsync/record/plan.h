// Doing what a plan asks (libsync/trace/plan.h): pauses at synchronisation calls, all of them bounded.
//
// With a plan no thread takes a fast path, so that every acquisition comes by here; without one nothing is
// paid.
#ifndef GORDIAN_LIBSYNC_RECORD_PLAN_H_
#define GORDIAN_LIBSYNC_RECORD_PLAN_H_

#include <cstdint>

#include "libsync/record/thread.h"
#include "libsync/trace/layout.h"
#include "libsync/trace/plan.h"

namespace gordian::record {

// Null: nothing is asked. Mapped once, shared by all processes of the run, and kept by fork children.
extern trace::PlanHeader* g_plan;

// Once, from the shim's constructor. A file that is not there or not right asks for nothing.
void LoadPlan(const char* path);

// At the beginning of a thread. REQUIRES: inside the recorder.
void BeforeThread(Thread* thread);
// At the beginning of an acquisition of any kind. REQUIRES: inside the recorder.
void BeforeAnything(Thread* thread);
// Whether a script's try of a lock, which it waits for if that fails, has to fail: an interpreter holds a
// lock of its own during the try, and nobody may be held back within that. It gives that up to wait.
inline bool PutsOffTries() { return g_plan != nullptr; }
// Right before the real call of an acquisition that may wait for good. REQUIRES: inside the recorder.
void BeforeAcquire(Thread* thread, trace::Ref lock, trace::Ref stack);
// The same of a join, and of a wait for a child.
void BeforeJoin(Thread* thread, trace::Ref joinee, trace::Ref stack);
void BeforeChildWait(Thread* thread, int32_t pid, trace::Ref stack);
// A thread that waits for a condition, at whose end it takes `mutex` back, stands there for as long as it
// waits. True: at a step; once awake, it can be held back before it takes the mutex. REQUIRES: inside the
// recorder, and the mutex is no longer among what the thread holds.
bool BeforeConditionWait(Thread* thread, trace::Ref mutex, trace::Ref stack);
// The thread is awake, and has not taken the mutex yet. REQUIRES: inside the recorder.
void BeforeReacquire(Thread* thread);
// Also of a wait that was not announced.
void AfterConditionWait(Thread* thread);
// The thread holds one lock less. REQUIRES: inside the recorder.
void AfterRelease(Thread* thread);

}  // namespace gordian::record

#endif  // GORDIAN_LIBSYNC_RECORD_PLAN_H_
