// The processes of the run as seen from outside: who made whom, who stays a zombie, who outlives its creator.
// Looks at /proc every time that Look() is called; times are sums over looks, so that a stop of gordian
// itself (job control) does not count.
//
// Thread safety: none.
#ifndef GORDIAN_CLI_WATCH_PROCESS_TREE_H_
#define GORDIAN_CLI_WATCH_PROCESS_TREE_H_

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "cli/watch/family.h"
#include "cli/watch/process_id.h"
#include "libsync/trace/run.h"

namespace gordian::cli {

struct SeenProcess {
  trace::Observed observed;
  ProcessId creator{0, 0};
  ProcStat stat;         // as last seen
  bool present = false;  // in the last look
  bool dead = false;     // gone or a zombie
  uint64_t first_seen_ns = 0;
  uint64_t dead_ns = 0;  // when it was first seen dead
  uint64_t zombie_ns = 0;
  uint64_t outlived_ns = 0;
  std::string command_comm;  // its name when its command line was read
  bool described = false;    // creator_doing is filled in
  std::string unseen_comm;   // the name under which it was last asked why it has no trace
};

class ProcessTree {
 public:
  // As in Family.
  ProcessTree(pid_t ancestor, std::set<pid_t> not_ours) : family_(ancestor, std::move(not_ours)) {}

  // A process that belongs to the run for another reason: it has a trace there.
  void Add(const ProcessId& id) { family_.Add(id); }
  // A trace knows better who made the process: the parent may have been gone at the first look.
  void SetCreator(const ProcessId& child, pid_t creator);
  // Gordian has reaped it, or is about to: `stat` is what /proc said before.
  void Reaped(const ProcStat& stat, int status, uint64_t now_ns);
  // A process that came and went between two looks, as a trace tells of it. Its start_ticks stay unknown.
  void MeetGone(const ProcStat& stat, const std::string& command, uint64_t start_ns);
  // The command line of a process that was gone before it could be read.
  void SetCommand(const ProcessId& id, const std::string& command);
  // It was last seen as a copy of its creator, and went on as the program at `path`.
  void SetProgram(const ProcessId& id, const std::string& path);
  void SetUnseen(const ProcessId& id, const std::string& why);

  void Look(uint64_t now_ns);
  uint64_t last_look_ns() const { return last_look_ns_; }
  uint64_t last_cost_ns() const { return last_cost_ns_; }

  // Processes that still run; zombies do not.
  std::vector<const SeenProcess*> Living() const;
  const SeenProcess* Find(const ProcessId& id) const;
  // The one that has this pid now, or had it last.
  const SeenProcess* FindPid(pid_t pid) const;
  // The one that had this pid and was this child: pids come back.
  const SeenProcess* FindChild(const trace::Child& child) const;
  std::map<ProcessId, SeenProcess>& all() { return seen_; }

  // The observations for the Run. `root` is CMD; with `over`, what still runs counts as having outlived a
  // creator that ended no later than CMD by at least `grace_ms`.
  std::vector<trace::Observed> Observations(const ProcessId& root, bool over, uint64_t grace_ms) const;
  // Tells of those that died at `end_ns` or later, when gordian ended the run, that it was so.
  void MarkEndedSince(uint64_t end_ns, std::vector<trace::Observed>* observations) const;

 private:
  void Meet(const ProcStat& stat, uint64_t now_ns);
  void FindCreators(uint64_t now_ns);
  void Account(uint64_t passed_ns, uint64_t now_ns);
  bool CreatorIsDead(const SeenProcess& process) const;

  Family family_;
  std::map<ProcessId, SeenProcess> seen_;
  std::map<pid_t, ProcessId> by_pid_;
  uint64_t last_look_ns_ = 0;
  uint64_t last_cost_ns_ = 0;
};

}  // namespace gordian::cli

#endif  // GORDIAN_CLI_WATCH_PROCESS_TREE_H_
