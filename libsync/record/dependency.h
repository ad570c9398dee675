// Dependencies: "this thread, holding these, goes to acquire that", once per distinct fact.
#ifndef GORDIAN_LIBSYNC_RECORD_DEPENDENCY_H_
#define GORDIAN_LIBSYNC_RECORD_DEPENDENCY_H_

#include <cstdint>

#include "libsync/record/thread.h"
#include "libsync/trace/layout.h"

namespace gordian::record {

// Facts are bounded: of one chain of lock classes taken at the same places, this many instance chains are
// kept for one thread and for the process; further ones are counted in one folded record.
inline constexpr uint64_t kInstancesPerThread = 64;
inline constexpr uint64_t kInstancesPerProcess = 512;

// A dependency carries its whole held set, since a gate may be any of it: part of one would raise false
// alarms. So that a thread which holds very many locks costs no more than others, of those with more held
// than this one is kept for each thread, class and place, and one more each time that the number has doubled.
inline constexpr uint32_t kManyHeld = 512;

// The record of the dependency, new or known; 0 when there is no room. `without` is a lock that the thread
// gives up while it waits (a condition's mutex), 0 for none. `lock` is the Ref of a thread or child where
// `flags` (DependencyFlags) say so. REQUIRES: inside the recorder.
trace::Ref RecordDependency(Thread* thread, trace::Ref lock, trace::Ref stack, trace::Mode mode,
                            uint32_t flags, trace::Ref without);

}  // namespace gordian::record

#endif  // GORDIAN_LIBSYNC_RECORD_DEPENDENCY_H_
