// Finds locks that are waited for and whose holder does not get on, though nothing is proved: it polls at one
// place, or has only inherited the lock. It asks the inspector about processes in which somebody waits for a
// lock for long, and tells what two answers, a second apart, agree in.
//
// Thread safety: none.
#ifndef GORDIAN_CLI_WATCH_STUCK_HOLDERS_H_
#define GORDIAN_CLI_WATCH_STUCK_HOLDERS_H_

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "cli/watch/trace_set.h"
#include "libsync/inspect/releasers.h"
#include "libsync/trace/reader.h"
#include "libsync/trace/run.h"

namespace gordian::cli {

class StuckHolderWatch {
 public:
  // One look at the threads of a trace.
  void Look(const LiveTrace& trace, const std::vector<trace::SlotSnapshot>& slots, uint64_t now_ns);
  // Processes with a holder that does not get on, as they stand now; empty: there are none that are new.
  std::vector<trace::Process> Ask(const inspect::Surroundings& surroundings, TraceSet* traces,
                                  uint64_t now_ns);

 private:
  struct Waiter {
    trace::SlotSnapshot slot;
    uint64_t since_ns = 0;
  };
  std::set<pid_t> WaitingProcesses(const TraceSet& traces, uint64_t now_ns);

  std::map<std::string, std::map<int32_t, Waiter>> waiters_;  // by trace path and tid
  std::set<std::string> found_;                               // at the last question
  std::set<std::string> told_;
  uint64_t next_question_ns_ = 0;
  uint64_t patience_ns_ = 0;
};

}  // namespace gordian::cli

#endif  // GORDIAN_CLI_WATCH_STUCK_HOLDERS_H_
