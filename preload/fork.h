// The one home of fork: what is written down before, what a child must forget after.
#ifndef GORDIAN_PRELOAD_FORK_H_
#define GORDIAN_PRELOAD_FORK_H_

#include <sys/types.h>

#include "libsync/record/stack.h"
#include "libsync/trace/layout.h"

namespace gordian::preload {

// A hook says what kind of fork its real call is going to make, and from where.
void AnnounceFork(trace::ChildHow how, const record::Site& site);
// In the parent: how it ended. 0: a child was made whose pid nobody told.
void ForkReturned(pid_t pid);

// The handlers themselves, for forks that run none.
void AtForkPrepare();
void AtForkChild();

// Registers the handlers. Ours must be the first of all: prepare handlers run in reverse order, so ours then
// sees which locks are held once everybody else's handlers have taken theirs. Idempotent.
void RegisterAtFork();

// In a vfork child: its record in the parent's trace, else null.
trace::ChildRecord* VforkChildRecord();

}  // namespace gordian::preload

#endif  // GORDIAN_PRELOAD_FORK_H_
