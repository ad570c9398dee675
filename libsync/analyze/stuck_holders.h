// Locks that are waited for and whose holder does not get on: it polls at one place for something else, or it
// is a process that never took the lock itself, and has it by a descriptor that it inherited.
//
// It may be over the next moment, so this is no deadlock; whoever asks should ask again before it tells.
//
// Thread safety: functions without shared state.
#ifndef GORDIAN_LIBSYNC_ANALYZE_STUCK_HOLDERS_H_
#define GORDIAN_LIBSYNC_ANALYZE_STUCK_HOLDERS_H_

#include <vector>

#include "libsync/analyze/wait_for_graph.h"
#include "libsync/trace/run.h"

namespace gordian::analyze {

struct StuckHolder {
  ThreadRef waiter;
  ThreadRef holder;  // who polls; no thread: Wait::held_by of the waiter says who has the lock
  bool operator==(const StuckHolder&) const = default;
};

// One for each waiter that is no part of a deadlock.
std::vector<StuckHolder> FindStuckHolders(const trace::Run& run);

}  // namespace gordian::analyze

#endif  // GORDIAN_LIBSYNC_ANALYZE_STUCK_HOLDERS_H_
