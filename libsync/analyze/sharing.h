// Which processes of a run can wait for each other: those that use the same locks.
//
// Thread safety: a function without shared state.
#ifndef GORDIAN_LIBSYNC_ANALYZE_SHARING_H_
#define GORDIAN_LIBSYNC_ANALYZE_SHARING_H_

#include <vector>

#include "libsync/analyze/lineage.h"
#include "libsync/trace/run.h"

namespace gordian::analyze {

// Groups of images, each ascending. Without two locks between them, or one and a wait for a process or a
// second reading of a lock that lets writers go first, they form no group: they cannot hang on each other.
std::vector<std::vector<trace::Index>> ProcessesThatShare(const trace::Run& run, const Lineage& lineage);

}  // namespace gordian::analyze

#endif  // GORDIAN_LIBSYNC_ANALYZE_SHARING_H_
