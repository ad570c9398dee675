// Finds threads that may be stuck for good, cheaply: from the live slots of one trace alone. Most looks at
// most programs end here, without a question to the kernel and without reading the trace.
//
// Thread safety: functions without shared state.
#ifndef GORDIAN_CLI_WATCH_STALL_H_
#define GORDIAN_CLI_WATCH_STALL_H_

#include <functional>
#include <set>
#include <vector>

#include "libsync/trace/reader.h"

namespace gordian::cli {

// The slots that wait without a timeout for something that no thread able to run can release: members of a
// cycle, waiters for a lock that nobody alive holds, and everyone behind them. It errs on the side of naming
// too many: what the kernel and the detectors say decides.
//
// `still[i]`: slot i did not change since the look before. `exists(tid)`: the kernel knows such a thread.
// `lost`: locks whose holder was a process that is gone.
std::vector<bool> FindStalled(const std::vector<trace::SlotSnapshot>& slots, const std::vector<bool>& still,
                              const std::function<bool(int32_t tid)>& exists,
                              const std::set<trace::Ref>& lost);

}  // namespace gordian::cli

#endif  // GORDIAN_CLI_WATCH_STALL_H_
