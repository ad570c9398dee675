// Which processes are at rest: every thread of theirs sleeps, without a timeout, in a call that only some
// process could end, and none has moved for a while. Cheap for a server that waits for the world: one thread
// that does so is asked first the next time, and nobody else.
//
// Thread safety: none.
#ifndef GORDIAN_CLI_WATCH_REST_H_
#define GORDIAN_CLI_WATCH_REST_H_

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "cli/watch/process_id.h"
#include "cli/watch/process_tree.h"
#include "libsync/inspect/proc.h"
#include "libsync/inspect/releasers.h"

namespace gordian::cli {

class RestWatch {
 public:
  // Looks at the living processes of a run. Returns those that have rested since a look 200 ms ago or
  // earlier and do not wait for a child that does not.
  std::vector<pid_t> Look(const std::vector<const SeenProcess*>& living,
                          const inspect::Surroundings& surroundings, uint64_t now_ns);

  // The process has not moved since the last Look(). REQUIRES: Look() returned it.
  bool StillRests(pid_t pid) const;
  // Where its threads rest: changes as soon as one of them moves. REQUIRES: as above.
  std::string Picture(pid_t pid) const;

 private:
  struct Task {
    uint64_t switches = 0;
    inspect::TaskWait wait;
    bool operator==(const Task&) const = default;
  };
  using Tasks = std::map<pid_t, Task>;
  struct Sample {
    Tasks tasks;  // empty: not at rest
    uint64_t since_ns = 0;
    pid_t busy = 0;  // a thread that was not at rest at the last look
  };
  static bool Rests(pid_t pid, pid_t tid, const inspect::Surroundings& surroundings, Tasks* tasks);
  static bool TakeTasks(pid_t pid, const inspect::Surroundings& surroundings, Sample* sample);
  void DropWaitersForBusyChildren(const std::vector<const SeenProcess*>& living,
                                  std::vector<pid_t>* resting) const;

  std::map<ProcessId, Sample> samples_;
  std::map<pid_t, ProcessId> ids_;
};

}  // namespace gordian::cli

#endif  // GORDIAN_CLI_WATCH_REST_H_
