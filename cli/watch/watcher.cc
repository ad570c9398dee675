#include "cli/watch/watcher.h"

#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <set>
#include <utility>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "cli/preload.h"
#include "cli/watch/doing.h"
#include "libsync/inspect/proc.h"
#include "libsync/inspect/survey.h"
#include "libsync/inspect/task_doing.h"
#include "libsync/inspect/unwind.h"
#include "reports/snapshot.h"

namespace gordian::cli {
namespace {

constexpr uint64_t kMs = 1'000'000;
constexpr uint64_t kLookNs = 250 * kMs;
constexpr uint64_t kLongestLookNs = 600 * kMs;  // two looks and a judgement must fit into two seconds
constexpr uint64_t kBusyLookNs = 50 * kMs;      // while processes end by the dozen and fill the folder
constexpr size_t kManyEnded = 16;
constexpr uint64_t kCostFactor = 50;
constexpr uint64_t kProcessCostFactor = 100;
constexpr uint64_t kJudgeNs = 1'000 * kMs;

uint64_t RealNs() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

}  // namespace

Watcher::Watcher(const Setup& setup)
    : setup_(setup),
      tree_(setup.ancestor, setup.not_ours),
      traces_(setup.folder->path(), setup.folder->drop(), setup.outputs->out()),
      live_report_(setup.options, setup.outputs),
      unseen_(setup.options, setup.shim),
      standstill_(setup.given),
      start_ns_(NowNs()),
      start_real_ns_(RealNs()) {
  if (!setup.folder->remark().empty()) {
    Remark(setup.folder->remark());
  }
}

void Watcher::SetRoot(const ProcessId& root, const std::vector<std::string>& command) {
  root_ = root;
  unseen_.SetRoot(root);
  command_ = command;
  if (setup_.ancestor == 0) {
    tree_.Add(root);
  }
}

void Watcher::Tick(uint64_t now_ns) {
  if (now_ns >= next_look_at_processes_ns_) {
    tree_.Look(now_ns);
    DescribeZombies();
    unseen_.Look(now_ns, traces_, &tree_);
    next_look_at_processes_ns_ = now_ns + std::max(kLookNs, tree_.last_cost_ns() * kProcessCostFactor) - kMs;
  }
  uint64_t begin_ns = SpentNs();
  traces_.Look(now_ns, tree_);
  LearnCreators();
  size_t ended = traces_.FoldEnded(now_ns);
  lost_locks_.Learn(traces_.ended());
  LookAtTraces(now_ns);
  LookForStandstill(now_ns);
  LookForStuckHolders(now_ns);
  uint64_t cost_ns = SpentNs() - begin_ns;
  uint64_t pause_ns = std::clamp(cost_ns * kCostFactor, kLookNs, kLongestLookNs);
  next_tick_ns_ = now_ns + (ended >= kManyEnded ? kBusyLookNs : pause_ns);
}

void Watcher::LookAtTraces(uint64_t now_ns) {
  std::erase_if(settle_, [&](const auto& entry) { return !traces_.live().contains(entry.first); });
  std::erase_if(unannounced_, [&](const auto& entry) { return !traces_.live().contains(entry.first); });
  std::erase_if(blocked_, [&](const auto& entry) {
    return !traces_.live().contains(entry.first) && entry.second.IsEmpty();
  });
  bool stalled = false;
  for (const auto& [path, trace] : traces_.live()) {
    if (trace.pid == 0) {
      continue;
    }
    const std::vector<trace::SlotSnapshot> slots = trace::ReadSlots(trace.path, trace.header);
    if (settle_[path].Look(trace, slots, lost_locks_.In(trace, &traces_), now_ns)) {
      stalled = true;
    }
    LookForBlocked(trace, slots, now_ns);
    if (!trace.foreign_pids) {
      stuck_holders_.Look(trace, slots, now_ns);
    }
    const SettleWatch& tids = settle_.at(path);
    unannounced_[path].Look(
        trace.pid, slots, [&tids](int32_t tid) { return tids.OuterTid(tid); }, now_ns);
  }
  if (stalled || NewsWorthJudging(now_ns)) {
    JudgeLive(now_ns);
  }
}

void Watcher::LookForBlocked(const LiveTrace& trace, const std::vector<trace::SlotSnapshot>& slots,
                             uint64_t now_ns) {
  const SettleWatch& tids = settle_.at(trace.path);
  const auto asleep = [&](int32_t tid) { return FindSleep(trace.pid, tids.OuterTid(tid)); };
  const uint64_t hold_ms = setup_.options->hold_ms.value_or(trace::kDefaultHoldMs);
  BlockedWatch& blocked = blocked_.try_emplace(trace.path, hold_ms * kMs).first->second;
  if (!blocked.Look(slots, asleep, now_ns) || now_ns < next_naming_ns_) {
    return;
  }
  const uint64_t begin_ns = SpentNs();
  if (const std::optional<trace::Process> process = traces_.Read(trace)) {
    blocked.Name(*process, asleep,
                 [&](const inspect::TaskWait& wait) { return inspect::StackOf(trace.pid, wait); });
  }
  next_naming_ns_ = now_ns + (SpentNs() - begin_ns) * kCostFactor;
}

// Judging a whole tree costs; what is not a hang can wait.
bool Watcher::NewsWorthJudging(uint64_t now_ns) {
  if (now_ns < next_judge_ns_ || setup_.options->quiet) {
    return false;
  }
  uint64_t facts = 0;
  for (const auto& [path, trace] : traces_.live()) {
    facts += trace.header.facts;
  }
  for (const auto& [id, process] : tree_.all()) {
    // The moment a zombie is old enough to be reported is news too.
    if (process.zombie_ns > setup_.options->grace_ms * kMs) {
      ++facts;
    }
  }
  // How a process ended may become known later than that it did.
  if (facts == judged_facts_ && traces_.ended().size() == judged_ended_ && lost_locks_.IsEmpty()) {
    return false;
  }
  judged_facts_ = facts;
  return true;
}

void Watcher::JudgeLive(uint64_t now_ns) {
  uint64_t begin_ns = SpentNs();
  trace::Run run = LiveRun();
  judged_ended_ = traces_.ended().size();
  Hang(live_report_.Judge(run));
  uint64_t cost_ns = SpentNs() - begin_ns;
  next_judge_ns_ = now_ns + std::max(kJudgeNs, cost_ns * kCostFactor);
}

void Watcher::Hang(const std::vector<ProcessId>& processes) {
  hanging_.insert(hanging_.end(), processes.begin(), processes.end());
}

// Where a process was forked, and what its parent's threads held then, stands in the parent's trace.
void Watcher::AddParents(std::vector<trace::Process>* processes) {
  std::set<int32_t> known;
  std::vector<int32_t> parents;
  for (const trace::Process& process : *processes) {
    known.insert(process.pid);
    parents.push_back(process.ppid);
  }
  for (const int32_t pid : parents) {
    const LiveTrace* trace = known.insert(pid).second ? traces_.FindLive(pid) : nullptr;
    if (std::optional<trace::Process> parent = trace != nullptr ? traces_.Read(*trace) : std::nullopt) {
      processes->push_back(std::move(*parent));
    }
  }
}

void Watcher::LookForStandstill(uint64_t now_ns) {
  std::map<pid_t, std::string> suspects;
  for (const auto& [path, trace] : traces_.live()) {
    const auto unannounced = unannounced_.find(path);
    const std::string picture =
        unannounced == unannounced_.end() || trace.foreign_pids ? "" : unannounced->second.Picture(now_ns);
    if (!picture.empty()) {
      suspects.emplace(trace.pid, picture);
    }
  }
  std::vector<trace::Process> found = standstill_.Look(tree_, suspects, &traces_, now_ns);
  if (found.empty()) {
    return;
  }
  trace::Run run = RunSoFar();
  AddParents(&found);
  std::vector<trace::Process> others = OthersThan(found);
  run.processes = std::move(found);
  run.observed = Observe(false);
  Hang(live_report_.JudgeWaits(std::move(run), std::move(others)));
}

void Watcher::LookForStuckHolders(uint64_t now_ns) {
  std::vector<trace::Process> found = stuck_holders_.Ask(standstill_.SurroundingsOf(tree_), &traces_, now_ns);
  if (found.empty()) {
    return;
  }
  trace::Run run = RunSoFar();
  run.processes = std::move(found);
  run.observed = Observe(false);
  live_report_.TellStuckHolders(run);
}

// Who left something locked, and who may know how he ended.
std::vector<trace::Process> Watcher::OthersThan(const std::vector<trace::Process>& found) {
  if (lost_locks_.IsEmpty()) {
    return {};
  }
  std::vector<trace::Process> others = ReadLive();
  std::erase_if(others, [&found](const trace::Process& other) {
    return std::any_of(found.begin(), found.end(),
                       [&other](const trace::Process& process) { return process.pid == other.pid; });
  });
  for (trace::Process& holder : lost_locks_.Holders(traces_.ended(), traces_.ended().size())) {
    // One that came and went between two looks at the process table.
    MeetTraced(holder);
    others.push_back(std::move(holder));
  }
  return others;
}

std::vector<trace::Process> Watcher::ReadLive() {
  std::vector<trace::Process> processes;
  for (const auto& [path, trace] : traces_.live()) {
    if (trace.header.pid == 0) {
      continue;
    }
    auto process = traces_.Read(trace);
    if (!process.has_value()) {
      continue;
    }
    settle_[path].Apply(&*process);
    processes.push_back(std::move(*process));
  }
  return processes;
}

// Without processes.
trace::Run Watcher::RunSoFar() const {
  trace::Run run;
  run.command = command_;
  run.root_pid = root_.first;
  run.start_real_ns = start_real_ns_;
  run.duration_ns = NowNs() - start_ns_;
  return run;
}

// What runs now and what ended since the last judgement: the rest has been judged.
trace::Run Watcher::LiveRun() {
  trace::Run run = RunSoFar();
  run.processes = ReadLive();
  for (trace::Process& holder : lost_locks_.Holders(traces_.ended(), judged_ended_)) {
    run.processes.push_back(std::move(holder));
  }
  for (size_t i = judged_ended_; i < traces_.ended().size(); ++i) {
    run.processes.push_back(traces_.ended()[i]);
    MeetTraced(traces_.ended()[i]);
  }
  run.observed = Observe(false);
  return run;
}

std::vector<trace::Observed> Watcher::Observe(bool over) const {
  std::vector<trace::Observed> observed = tree_.Observations(root_, over, setup_.options->grace_ms);
  if (end_began_ns_ != 0) {
    tree_.MarkEndedSince(end_began_ns_, &observed);
  }
  return observed;
}

void Watcher::LearnCreators() {
  for (const auto& [path, trace] : traces_.live()) {
    if (trace.pid == 0 || trace.foreign_pids) {
      continue;
    }
    ProcessId id{trace.pid, trace.header.start_ticks};
    if (setup_.ancestor == 0) {
      tree_.Add(id);
    }
    if (trace.header.image == 0 && id != root_) {
      tree_.SetCreator(id, trace.header.ppid);
    }
  }
}

void Watcher::DescribeZombies() {
  uint64_t old_enough_ns = setup_.options->grace_ms * kMs / 2;
  for (auto& [id, process] : tree_.all()) {
    if (process.described || process.zombie_ns == 0 || process.zombie_ns < old_enough_ns) {
      continue;
    }
    process.described = true;
    const SeenProcess* creator = tree_.Find(process.creator);
    if (creator != nullptr) {
      process.observed.creator_doing = absl::StrCat(
          WhatItDoes(*creator, traces_), inspect::IsProcessOne(creator->stat.pid)
                                             ? "; it is process 1 there, which orphans are handed to"
                                             : "");
      const std::vector<pid_t> tasks = inspect::ListTasks(creator->stat.pid);
      process.observed.creator_awaits = std::any_of(tasks.begin(), tasks.end(), [&](pid_t task) {
        return inspect::AwaitsProcess(creator->stat.pid, task);
      });
    }
  }
}

void Watcher::Reaped(const ProcStat& stat, int status, uint64_t now_ns) {
  tree_.Reaped(stat, status, now_ns);
}

std::vector<ProcessId> Watcher::TakeHanging() { return std::exchange(hanging_, {}); }

std::string Watcher::Dump() {
  tree_.Look(NowNs());
  traces_.Look(NowNs(), tree_);
  std::vector<pid_t> pids;
  for (const SeenProcess* process : tree_.Living()) {
    pids.push_back(process->stat.pid);
  }
  inspect::SurveyOptions survey_options;
  survey_options.surroundings = standstill_.SurroundingsOf(tree_);
  inspect::Survey survey = inspect::TakeSurvey(pids, survey_options);
  trace::Run run = RunSoFar();
  run.processes = WithTraces(std::move(survey.run.processes), &traces_);
  for (const inspect::Refusal& refusal : survey.refused) {
    // What the trace of such a process says is not all, but something.
    const LiveTrace* trace = traces_.FindLive(refusal.pid);
    std::optional<trace::Process> traced = trace == nullptr ? std::nullopt : traces_.Read(*trace);
    if (traced.has_value() && refusal.why == inspect::Refusal::Why::kNotPermitted) {
      settle_[trace->path].Apply(&*traced);
      run.processes.push_back(std::move(*traced));
    }
  }
  report::BuildOptions build_options;
  build_options.redact = setup_.options->redact;
  build_options.wrappers = setup_.options->wrappers;
  build_options.snapshot = true;
  report::TextOptions text_options = setup_.outputs->style();
  text_options.verbosity = 0;
  report::Report dump = report::BuildReport(run, {}, build_options);
  dumped_ = dump.snapshot;
  return absl::StrFormat("gordian: what every thread does after %.1f s\n%s",
                         static_cast<double>(run.duration_ns) / 1e9,
                         report::SnapshotToText(dump, text_options));
}

// Children that exec'd and left no trace: too short-lived for a look at /proc.
void Watcher::NameUnseenChildren(const trace::Process& process) {
  if (traces_.IsForeign(process.trace_file)) {
    return;  // the numbers of its children mean other processes here
  }
  for (const trace::Child& child : process.children) {
    bool execd = (child.flags & trace::kExecd) != 0 && (child.flags & trace::kCreateFailed) == 0;
    const SeenProcess* seen = child.pid == 0 ? nullptr : tree_.FindChild(child);
    if (seen != nullptr) {
      tree_.SetCreator(IdOf(seen->stat), process.pid);
    }
    // What calls itself 1 begins a pid namespace, and has another number here.
    if (!execd || child.pid <= 1) {
      continue;
    }
    if (seen == nullptr) {
      ProcStat stat;
      stat.pid = child.pid;
      stat.ppid = process.pid;
      stat.session = process.session;
      stat.state = 'X';
      tree_.MeetGone(stat, child.exec_path, child.start_ns);
      seen = tree_.Find(IdOf(stat));
    }
    ProcessId id = IdOf(seen->stat);
    const auto status = child.reap_ns != 0 ? std::optional(child.reap_status) : std::nullopt;
    if (seen->observed.unseen.empty() && !traces_.WasTracedPid(child.pid) &&
        !traces_.WasTracedElsewhere(child.exec_path) && !traces_.SaidLost(child.pid)) {
      tree_.SetProgram(id, child.exec_path);
      tree_.SetUnseen(id, unseen_.WhyGone(id, child.exec_path, process.executable, status));
    }
  }
}

// Images that were exec'd and left no trace: CMD itself, and what took the place of a traced image.
void Watcher::NameUnseenImages(const trace::Run& run) {
  const SeenProcess* root = tree_.Find(root_);
  tree_.SetCommand(root_, absl::StrJoin(command_, " "));
  if (!root_unseen_.empty()) {
    tree_.SetUnseen(root_, root_unseen_);
  } else if (root != nullptr && !traces_.WasTraced(root_) && !traces_.SaidLost(root_.first)) {
    tree_.SetUnseen(root_, unseen_.WhyGone(root_, command_.empty() ? "" : FindExecutable(command_[0]), "",
                                           run.root_status));
  }
  for (const trace::Process& process : run.processes) {
    ProcessId id{process.pid, process.start_ticks};
    const SeenProcess* seen = tree_.Find(id);
    bool replaced = process.end == trace::End::kExec && !traces_.IsForeign(process.trace_file) &&
                    traces_.IsNewestImage(id, process.start_ns);
    if (replaced && seen != nullptr && seen->observed.unseen.empty()) {
      tree_.SetUnseen(id, unseen_.WhyGone(id, "", "", std::nullopt));
    }
  }
}

// Every traced process is observed, also one that came and went between two looks.
void Watcher::MeetTraced(const trace::Process& process) {
  ProcessId id{process.pid, process.start_ticks};
  std::string command = absl::StrJoin(process.command, " ");
  tree_.SetCommand(id, command);
  if (!process.ended || tree_.Find(id) != nullptr) {
    return;
  }
  ProcStat stat;
  stat.pid = process.pid;
  stat.start_ticks = process.start_ticks;
  stat.ppid = process.image == 0 ? process.ppid : 0;
  stat.session = process.session;
  stat.state = 'X';
  tree_.MeetGone(stat, command, inspect::MonotonicNs(process.start_ticks));
}

trace::Run Watcher::Finish(std::optional<int> root_status) {
  uint64_t now_ns = NowNs();
  tree_.Look(now_ns);
  traces_.Look(now_ns, tree_);
  LearnCreators();
  traces_.FoldEnded(now_ns);
  DescribeZombies();
  unseen_.Look(now_ns, traces_, &tree_);
  trace::Run run;
  run.command = command_;
  run.root_pid = root_.first;
  run.root_status = root_status;
  run.start_real_ns = start_real_ns_;
  run.duration_ns = now_ns - start_ns_;
  run.over = true;
  run.ended_by_gordian = end_began_ns_ != 0;
  run.processes = ReadLive();
  traces_.CopyLive();
  traces_.GiveUpUnreadable();
  for (trace::Process& process : traces_.TakeEnded()) {
    run.processes.push_back(std::move(process));
  }
  std::stable_sort(run.processes.begin(), run.processes.end(), [](const auto& a, const auto& b) {
    return std::pair(a.start_ns, a.image) < std::pair(b.start_ns, b.image);
  });
  for (trace::Process& process : run.processes) {
    if (const auto blocked = blocked_.find(process.trace_file); blocked != blocked_.end()) {
      blocked->second.AddTo(&process);
    }
    MeetTraced(process);
  }
  for (const trace::Process& process : run.processes) {
    NameUnseenChildren(process);
  }
  NameUnseenImages(run);
  run.observed = Observe(true);
  run.lost = remarks_;
  run.lost.insert(run.lost.end(), traces_.lost().begin(), traces_.lost().end());
  for (const std::string* folder : {&setup_.folder->path(), &setup_.folder->drop()}) {
    if (folder->empty()) {
      continue;
    }
    for (std::string& sentence : trace::ListLost(*folder)) {
      run.lost.push_back(std::move(sentence));
    }
  }
  return run;
}

}  // namespace gordian::cli
