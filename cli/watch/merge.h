// Puts together what a trace and a look from outside tell of one process at one moment: the trace knows the
// locks, their holders and the stacks, the kernel knows who sleeps where, the threads that no hook saw, and
// who could end a wait.
//
// Thread safety: functions without shared state.
#ifndef GORDIAN_CLI_WATCH_MERGE_H_
#define GORDIAN_CLI_WATCH_MERGE_H_

#include <cstdint>
#include <functional>

#include "libsync/trace/run.h"

namespace gordian::cli {

// `traced_tid` gives the trace's name for a thread: its tid in its own pid namespace. Afterwards the threads
// of `traced` are those of `seen`, what else the trace had is gone, and what they wait for is what the kernel
// says, in the trace's words where both mean the same.
void AddSeen(const trace::Process& seen, const std::function<int32_t(int32_t tid)>& traced_tid,
             trace::Process* traced);

// The module of `traced` that is this one; it is added where the trace does not know it.
trace::Index ModuleLike(const trace::Module& seen, trace::Process* traced);

}  // namespace gordian::cli

#endif  // GORDIAN_CLI_WATCH_MERGE_H_
