#include "cli/watch/standstill.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "cli/watch/merge.h"
#include "libsync/analyze/wait_for_graph.h"
#include "libsync/inspect/survey.h"

namespace gordian::cli {
namespace {

constexpr uint64_t kMs = 1'000'000;
constexpr uint64_t kCostFactor = 50;  // as the watcher's
// A picture without a standstill may become one by the end of a process outside: it is asked about again.
constexpr uint64_t kFirstPatienceNs = 1'000 * kMs;
constexpr uint64_t kLongestPatienceNs = 30'000 * kMs;

inspect::Survey SurveyOnce(const std::vector<pid_t>& pids, const inspect::Surroundings& surroundings,
                           bool stacks) {
  inspect::SurveyOptions options;
  options.looks = 1;
  options.apart_ms = 0;
  options.stacks = stacks;
  options.surroundings = surroundings;
  return inspect::TakeSurvey(pids, options);
}

// Where a thread sleeps; equal at two looks: it did not move in between.
struct Moment {
  uint64_t switches = 0;
  inspect::TaskWait wait;
  bool operator==(const Moment&) const = default;
};

std::optional<Moment> MomentOf(pid_t pid, pid_t tid) {
  const auto wait = inspect::ReadTaskWait(pid, tid);
  const auto status = inspect::ReadTaskStatus(pid, tid);
  const bool asleep = status && status->state == 'S';
  return asleep && wait ? std::optional(Moment{status->switches, *wait}) : std::nullopt;
}

// Of all threads, by tid.
std::map<pid_t, Moment> MomentsOf(const std::map<pid_t, std::string>& suspects) {
  std::map<pid_t, Moment> moments;
  for (const auto& [pid, picture] : suspects) {
    for (const pid_t tid : inspect::ListTasks(pid)) {
      if (const auto moment = MomentOf(pid, tid)) {
        moments.emplace(tid, *moment);
      }
    }
  }
  return moments;
}

// Some thread of these stalls, in a process of which others may run, is not where it was before.
bool HaveMoved(const trace::Run& run, const std::vector<analyze::Stall>& stalls,
               const std::map<pid_t, std::string>& suspects, const std::map<pid_t, Moment>& before) {
  const auto has_moved = [&](const analyze::ThreadRef& ref) {
    const trace::Process& process = run.processes[static_cast<size_t>(ref.process)];
    const pid_t tid = process.threads[static_cast<size_t>(ref.thread)].tid;
    const auto known = before.find(tid);
    return suspects.contains(process.pid) &&
           (known == before.end() || MomentOf(process.pid, tid) != known->second);
  };
  return std::any_of(stalls.begin(), stalls.end(), [&](const analyze::Stall& stall) {
    return std::any_of(stall.threads.begin(), stall.threads.end(), has_moved) ||
           std::any_of(stall.behind.begin(), stall.behind.end(), has_moved);
  });
}

// A lock of the C library's own, perhaps, which only stacks tell: it may have been taken by who waits for it.
bool NeedsStacks(const trace::Run& run) {
  return std::any_of(run.processes.begin(), run.processes.end(), [](const trace::Process& process) {
    return std::any_of(process.threads.begin(), process.threads.end(),
                       [](const trace::Thread& thread) { return thread.settled && thread.wait.contended; });
  });
}

}  // namespace

std::vector<trace::Process> WithTraces(std::vector<trace::Process> seen, TraceSet* traces) {
  for (trace::Process& process : seen) {
    const LiveTrace* trace = traces->FindLive(process.pid);
    std::optional<trace::Process> traced = trace == nullptr ? std::nullopt : traces->Read(*trace);
    if (!traced.has_value() || traced->start_ticks != process.start_ticks) {
      continue;
    }
    const bool foreign = trace->foreign_pids;
    const pid_t pid = process.pid;
    AddSeen(
        process, [foreign, pid](int32_t tid) { return foreign ? InnerTid(pid, tid) : tid; }, &*traced);
    traced->caught_signals = process.caught_signals;
    traced->service_signals = process.service_signals;
    process = std::move(*traced);
  }
  return seen;
}

inspect::Surroundings StandstillWatch::SurroundingsOf(const ProcessTree& tree) const {
  inspect::Surroundings surroundings;
  if (!given_.has_value()) {
    return surroundings;
  }
  surroundings.given = *given_;
  surroundings.family.emplace();
  for (const SeenProcess* process : tree.Living()) {
    surroundings.family->insert(process->stat.pid);
  }
  return surroundings;
}

bool StandstillWatch::WasTold(pid_t pid, const std::string& picture) const {
  auto known = told_.find(pid);
  return known != told_.end() && known->second == picture;
}

std::vector<trace::Process> StandstillWatch::Look(const ProcessTree& tree,
                                                  const std::map<pid_t, std::string>& suspects,
                                                  TraceSet* traces, uint64_t now_ns) {
  if (now_ns < next_look_ns_) {
    return {};
  }
  uint64_t begin_ns = SpentNs();
  const inspect::Surroundings surroundings = SurroundingsOf(tree);
  std::vector<pid_t> resting = rest_.Look(tree.Living(), surroundings, now_ns);
  next_look_ns_ = now_ns + (SpentNs() - begin_ns) * kCostFactor;
  std::string picture;
  std::erase_if(resting, [&](pid_t pid) {
    const std::string own = rest_.Picture(pid);
    absl::StrAppend(&picture, WasTold(pid, own) ? "" : own);
    return WasTold(pid, own);
  });
  std::map<pid_t, std::string> partly;
  for (const auto& [pid, own] : suspects) {
    if (std::find(resting.begin(), resting.end(), pid) == resting.end() && !told_.contains(pid)) {
      partly.emplace(pid, own);
      absl::StrAppend(&picture, pid, ": ", own);
    }
  }
  if ((resting.empty() && partly.empty()) || !IsDue(picture, now_ns)) {
    return {};
  }
  begin_ns = SpentNs();
  std::vector<trace::Process> found = Ask(resting, partly, surroundings, traces);
  next_question_ns_ = now_ns + (SpentNs() - begin_ns) * kCostFactor;
  return found;
}

// The same picture again, or one like it soon after a dear question, has the same answer.
bool StandstillWatch::IsDue(const std::string& picture, uint64_t now_ns) {
  if (now_ns < next_question_ns_ || (picture == picture_ && now_ns < ask_again_ns_)) {
    return false;
  }
  patience_ns_ = picture == picture_ ? std::min(patience_ns_ * 2, kLongestPatienceNs) : kFirstPatienceNs;
  picture_ = picture;
  ask_again_ns_ = now_ns + patience_ns_;
  return true;
}

// First without stacks, which cost most.
std::vector<trace::Process> StandstillWatch::Ask(const std::vector<pid_t>& resting,
                                                 const std::map<pid_t, std::string>& suspects,
                                                 const inspect::Surroundings& surroundings,
                                                 TraceSet* traces) {
  std::vector<pid_t> pids = resting;
  for (const auto& [pid, picture] : suspects) {
    pids.push_back(pid);
  }
  const std::map<pid_t, Moment> before = MomentsOf(suspects);
  trace::Run run;
  run.processes = WithTraces(SurveyOnce(pids, surroundings, false).run.processes, traces);
  if (analyze::FindStalls(run).empty() && !NeedsStacks(run)) {
    return {};
  }
  run.processes = WithTraces(SurveyOnce(pids, surroundings, true).run.processes, traces);
  const std::vector<analyze::Stall> found = analyze::FindStalls(run);
  // The answer lies between two looks at the same picture.
  if (found.empty() || HaveMoved(run, found, suspects, before) ||
      !std::all_of(resting.begin(), resting.end(), [this](pid_t pid) { return rest_.StillRests(pid); })) {
    return {};
  }
  for (const analyze::Stall& standstill : found) {
    for (const auto* threads : {&standstill.threads, &standstill.behind}) {
      for (const analyze::ThreadRef& ref : *threads) {
        const pid_t pid = run.processes[static_cast<size_t>(ref.process)].pid;
        const auto suspect = suspects.find(pid);
        told_[pid] = suspect != suspects.end() ? suspect->second : rest_.Picture(pid);
      }
    }
  }
  return std::move(run.processes);
}

}  // namespace gordian::cli
