// Whether each thread of a run that is looked at while it lives will go on.
//
// Thread safety: functions without shared state.
#ifndef GORDIAN_LIBSYNC_ANALYZE_VERDICT_H_
#define GORDIAN_LIBSYNC_ANALYZE_VERDICT_H_

#include <vector>

#include "libsync/trace/run.h"

namespace gordian::analyze {

enum class Verdict {
  kDeadlock,        // in a cycle of waits, or stuck behind one
  kOwnerGone,       // waits for what nobody is left to release, or behind such a thread
  kWaitingOutside,  // stood still, and somebody who is not stuck can end its wait
  kPolling,         // wakes up by a timeout, finds nothing and sleeps at the same place again
  kProgressing,     // moved, or waits for somebody who does
};

// One for each thread of each process, in their order.
std::vector<std::vector<Verdict>> ThreadVerdicts(const trace::Run& run);

}  // namespace gordian::analyze

#endif  // GORDIAN_LIBSYNC_ANALYZE_VERDICT_H_
