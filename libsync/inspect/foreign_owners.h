// The owners of process-shared locks that live in another process than the one that waits.
//
// Thread safety: functions without shared state.
#ifndef GORDIAN_LIBSYNC_INSPECT_FOREIGN_OWNERS_H_
#define GORDIAN_LIBSYNC_INSPECT_FOREIGN_OWNERS_H_

#include <vector>

#include "libsync/inspect/releasers.h"
#include "libsync/trace/run.h"

namespace gordian::inspect {

// `facts` belongs to run->processes. The C library writes down a thread's number in its own pid namespace:
// an owner is named where exactly one process of the Run maps the lock and has such a thread.
void NameForeignOwners(const std::vector<ProcessFacts>& facts, trace::Run* run);

}  // namespace gordian::inspect

#endif  // GORDIAN_LIBSYNC_INSPECT_FOREIGN_OWNERS_H_
