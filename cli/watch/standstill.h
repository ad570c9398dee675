// Finds the processes of a run that nobody can wake any more, by waits that no lock's holder ends:
// semaphores, conditions, barriers, pipes, children, file locks. What a trace does not tell, who has a pipe's
// other end or maps the memory, is asked of the kernel; rarely, and only once all threads of a process have
// come to rest.
//
// Thread safety: none.
#ifndef GORDIAN_CLI_WATCH_STANDSTILL_H_
#define GORDIAN_CLI_WATCH_STANDSTILL_H_

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "cli/watch/process_tree.h"
#include "cli/watch/rest.h"
#include "cli/watch/trace_set.h"
#include "libsync/inspect/releasers.h"
#include "libsync/trace/run.h"

namespace gordian::cli {

class StandstillWatch {
 public:
  // `given`: what gordian itself was started with (DescriptorTarget), where it is the parent of the run;
  // nullopt: where it is not, the run may have been given anything.
  explicit StandstillWatch(std::optional<std::set<std::string>> given) : given_(std::move(given)) {}

  // One look. `suspects`: pictures of processes in which some threads sleep where no trace says why, though
  // others may run (UnannouncedWatch). Where some threads stand still that did not before: their processes,
  // all that rest and all suspects, as they were seen to stand.
  std::vector<trace::Process> Look(const ProcessTree& tree, const std::map<pid_t, std::string>& suspects,
                                   TraceSet* traces, uint64_t now_ns);

  inspect::Surroundings SurroundingsOf(const ProcessTree& tree) const;

 private:
  bool WasTold(pid_t pid, const std::string& picture) const;
  bool IsDue(const std::string& picture, uint64_t now_ns);
  std::vector<trace::Process> Ask(const std::vector<pid_t>& resting,
                                  const std::map<pid_t, std::string>& suspects,
                                  const inspect::Surroundings& surroundings, TraceSet* traces);

  std::optional<std::set<std::string>> given_;
  RestWatch rest_;
  std::map<pid_t, std::string> told_;  // their pictures, of processes in a standstill that was found
  std::string picture_;                // that was last asked about
  uint64_t patience_ns_ = 0;           // how long the answer holds
  uint64_t ask_again_ns_ = 0;
  uint64_t next_look_ns_ = 0;
  uint64_t next_question_ns_ = 0;
};

// A survey of processes that have traces, together with these.
std::vector<trace::Process> WithTraces(std::vector<trace::Process> seen, TraceSet* traces);

}  // namespace gordian::cli

#endif  // GORDIAN_CLI_WATCH_STANDSTILL_H_
