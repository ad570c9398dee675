// The live loop behind `gordian run` and behind the watcher of a bare LD_PRELOAD: looks at the processes and
// their traces from time to time, reports what is confirmed, and in the end gathers the Run.
//
// It never waits: its owner calls Tick() when NextTick() has come. It spends at most about 2 % of one core,
// by looking less often where a look costs more.
//
// Thread safety: none.
#ifndef GORDIAN_CLI_WATCH_WATCHER_H_
#define GORDIAN_CLI_WATCH_WATCHER_H_

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "cli/options.h"
#include "cli/outputs.h"
#include "cli/run_folder.h"
#include "cli/watch/blocked.h"
#include "cli/watch/live_report.h"
#include "cli/watch/lost_locks.h"
#include "cli/watch/process_tree.h"
#include "cli/watch/settle.h"
#include "cli/watch/standstill.h"
#include "cli/watch/stuck_holders.h"
#include "cli/watch/trace_set.h"
#include "cli/watch/unannounced.h"
#include "cli/watch/unseen.h"
#include "libsync/trace/run.h"

namespace gordian::cli {

class Watcher {
 public:
  struct Setup {
    const Options* options = nullptr;
    const RunFolder* folder = nullptr;
    const Outputs* outputs = nullptr;
    pid_t ancestor = 0;  // as in ProcessTree
    std::set<pid_t> not_ours;
    std::string shim;  // what LD_PRELOAD must name for a process to be seen
    std::optional<std::set<std::string>> given = std::nullopt;  // as in StandstillWatch
  };
  explicit Watcher(const Setup& setup);

  // CMD, or the image that started the watcher.
  void SetRoot(const ProcessId& root, const std::vector<std::string>& command);
  const ProcessId& root() const { return root_; }

  void Tick(uint64_t now_ns);
  uint64_t NextTick() const { return next_tick_ns_; }
  // Looks again soon, whatever the rhythm: something has happened.
  void Hurry() { next_tick_ns_ = 0; }

  // A child of gordian's ended; call before and after it is reaped.
  void Reaped(const ProcStat& stat, int status, uint64_t now_ns);

  // A look at the processes alone, now.
  void LookAtProcesses(uint64_t now_ns) { tree_.Look(now_ns); }
  // CMD itself cannot be recorded.
  void SetRootUnseen(const std::string& why) { root_unseen_ = why; }
  const ProcessTree& tree() const { return tree_; }
  const TraceSet& traces() const { return traces_; }
  // Processes found to hang for good since the last call.
  std::vector<ProcessId> TakeHanging();
  // What every thread of the tree holds and waits for now, and whether it will go on, as text. Takes a look
  // of 300 ms.
  std::string Dump();
  // What the last one found; empty: there was none.
  const std::vector<report::ReportSnapshot>& dumped() const { return dumped_; }
  void Remark(const std::string& sentence) { remarks_.push_back(sentence); }

  // Gordian begins to end processes of the run: who dies from now on was not killed by the run.
  void EndBegins(uint64_t now_ns) { end_began_ns_ = end_began_ns_ == 0 ? now_ns : end_began_ns_; }
  // The whole run. Call once, at the end.
  trace::Run Finish(std::optional<int> root_status);
  const LiveReport& live_report() const { return live_report_; }

 private:
  void LookAtTraces(uint64_t now_ns);
  void LookForBlocked(const LiveTrace& trace, const std::vector<trace::SlotSnapshot>& slots, uint64_t now_ns);
  void LearnCreators();
  void DescribeZombies();
  bool NewsWorthJudging(uint64_t now_ns);
  void AddParents(std::vector<trace::Process>* processes);
  void LookForStandstill(uint64_t now_ns);
  void LookForStuckHolders(uint64_t now_ns);
  void JudgeLive(uint64_t now_ns);
  void Hang(const std::vector<ProcessId>& processes);
  std::vector<trace::Process> OthersThan(const std::vector<trace::Process>& found);
  trace::Run RunSoFar() const;
  trace::Run LiveRun();
  std::vector<trace::Observed> Observe(bool over) const;
  std::vector<trace::Process> ReadLive();
  void NameUnseenImages(const trace::Run& run);
  void NameUnseenChildren(const trace::Process& process);
  void MeetTraced(const trace::Process& process);

  Setup setup_;
  ProcessTree tree_;
  TraceSet traces_;
  LiveReport live_report_;
  UnseenProcesses unseen_;
  std::map<std::string, SettleWatch> settle_;            // by trace path
  std::map<std::string, BlockedWatch> blocked_;          // by trace path
  std::map<std::string, UnannouncedWatch> unannounced_;  // by trace path
  LostLocks lost_locks_;
  StandstillWatch standstill_;
  StuckHolderWatch stuck_holders_;
  ProcessId root_{0, 0};
  std::string root_unseen_;
  std::vector<std::string> command_;
  std::vector<std::string> remarks_;
  std::vector<ProcessId> hanging_;
  std::vector<report::ReportSnapshot> dumped_;
  uint64_t start_ns_;
  uint64_t start_real_ns_;
  uint64_t end_began_ns_ = 0;  // 0: gordian ends nobody
  uint64_t next_tick_ns_ = 0;
  uint64_t next_look_at_processes_ns_ = 0;
  uint64_t next_judge_ns_ = 0;
  uint64_t next_naming_ns_ = 0;
  uint64_t judged_facts_ = 0;
  size_t judged_ended_ = 0;
};

}  // namespace gordian::cli

#endif  // GORDIAN_CLI_WATCH_WATCHER_H_
