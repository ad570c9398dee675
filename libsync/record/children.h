// Child processes: who made them, what other threads held at that moment, how they were reaped.
#ifndef GORDIAN_LIBSYNC_RECORD_CHILDREN_H_
#define GORDIAN_LIBSYNC_RECORD_CHILDREN_H_

#include <cstdint>

#include "libsync/record/thread.h"
#include "libsync/trace/layout.h"

namespace gordian::record {

struct NewChild {
  trace::ChildRecord* record;  // null: unrecorded
  trace::Ref ref;
};

// A child that is about to be made. Stands in the trace at once.
// REQUIRES: inside the recorder.
NewChild BeginChild(Thread* thread, trace::ChildHow how, const Site& site);
// The call is over in the parent: `pid` > 0, or 0 when it does not tell, or -1 when it failed.
void EndChild(const NewChild& child, int32_t pid);

// Around a fork, from pthread_atfork handlers (or the hook itself for _Fork): what the forking thread holds
// is handed over to the child, what the others hold is written down.
void BeforeFork(Thread* thread, trace::ChildRecord* child);
// In the parent, once the child is made: what was handed over is the child's.
void AfterForkInParent();
// In the fork child, first thing: the parent's trace is no longer ours.
void AfterForkInChild(trace::ChildRecord* child);

// In the fork child, once all handlers have run: what others held in the parent and a handler made anew here
// is no longer told as locked for ever.
void ForgiveRenewedLocks();

// The record for a pid that is still unreaped, 0 if unknown.
trace::Ref FindChild(int32_t pid);
// The call that made the child has waited for its end too (system).
void RecordReapedInside(Thread* thread, const NewChild& child);
// wait(2) gave `pid` with `status`.
void RecordReaped(Thread* thread, int32_t pid, int32_t status);

// This image, a fork child or not, is about to become `path`; or failed to.
// Keeps the end of a path, which is the part that tells. A path that cannot be read is the kernel's to
// refuse.
void KeepPath(trace::ChildRecord* record, const char* path);
void RecordExec(const char* path);
void RecordExecFailed();
// A fork child that has no trace of its own ends or leaves its session: a mark in its parent's trace is
// enough.
void MarkOwnChildRecord(trace::ChildFlags flag);

}  // namespace gordian::record

#endif  // GORDIAN_LIBSYNC_RECORD_CHILDREN_H_
