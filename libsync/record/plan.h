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

// Null: nothing is asked. Mapped once, read-only, and kept by fork children.
extern const trace::PlanHeader* g_plan;

// Once, from the shim's constructor. A file that is not there or not right asks for nothing.
void LoadPlan(const char* path);

// At the beginning of a thread. REQUIRES: inside the recorder.
void BeforeThread(Thread* thread);
// At the beginning of an acquisition of any kind. REQUIRES: inside the recorder.
void BeforeAnything(Thread* thread);
// Right before the real call of an acquisition that may wait for good. REQUIRES: inside the recorder.
void BeforeAcquire(Thread* thread, trace::Ref lock, trace::Ref stack);
// The thread holds one lock less. REQUIRES: inside the recorder.
void AfterRelease(Thread* thread);

}  // namespace gordian::record

#endif  // GORDIAN_LIBSYNC_RECORD_PLAN_H_
