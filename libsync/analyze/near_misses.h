// Cycles of lock orders that cannot deadlock, and why: for whoever asks why nothing was said of them.
//
// Thread safety: a function without shared state.
#ifndef GORDIAN_LIBSYNC_ANALYZE_NEAR_MISSES_H_
#define GORDIAN_LIBSYNC_ANALYZE_NEAR_MISSES_H_

#include <vector>

#include "libsync/analyze/finding.h"

namespace gordian::analyze {

// A note each: the locks, who takes them where, and the one condition that does not hold. The same classes of
// locks and the same condition are one with a count. The search stops at some number of them (SearchLimits).
std::vector<Finding> NearMisses(const trace::Run& run);

}  // namespace gordian::analyze

#endif  // GORDIAN_LIBSYNC_ANALYZE_NEAR_MISSES_H_
