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

std::vector<trace::Process> StandstillWatch::Look(const ProcessTree& tree, TraceSet* traces,
                                                  uint64_t now_ns) {
  if (now_ns < next_look_ns_) {
    return {};
  }
  uint64_t begin_ns = SpentNs();
  const inspect::Surroundings surroundings = SurroundingsOf(tree);
  std::vector<pid_t> resting = rest_.Look(tree.Living(), surroundings, now_ns);
  next_look_ns_ = now_ns + (SpentNs() - begin_ns) * kCostFactor;
  std::string picture;
  std::erase_if(resting, [&](pid_t pid) {
    std::string own = rest_.Picture(pid);
    auto known = told_.find(pid);
    const bool told = known != told_.end() && known->second == own;
    absl::StrAppend(&picture, told ? "" : own);
    return told;
  });
  if (resting.empty() || !IsDue(picture, now_ns)) {
    return {};
  }
  begin_ns = SpentNs();
  std::vector<trace::Process> found = Ask(resting, surroundings, traces);
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
std::vector<trace::Process> StandstillWatch::Ask(const std::vector<pid_t>& pids,
                                                 const inspect::Surroundings& surroundings,
                                                 TraceSet* traces) {
  if (analyze::FindStalls(SurveyOnce(pids, surroundings, false).run).empty()) {
    return {};
  }
  trace::Run run;
  run.processes = WithTraces(SurveyOnce(pids, surroundings, true).run.processes, traces);
  const std::vector<analyze::Stall> found = analyze::FindStalls(run);
  // The answer lies between two looks at the same picture.
  if (found.empty() ||
      !std::all_of(pids.begin(), pids.end(), [this](pid_t pid) { return rest_.StillRests(pid); })) {
    return {};
  }
  for (const analyze::Stall& standstill : found) {
    for (const auto* threads : {&standstill.threads, &standstill.behind}) {
      for (const analyze::ThreadRef& ref : *threads) {
        const pid_t pid = run.processes[static_cast<size_t>(ref.process)].pid;
        told_[pid] = rest_.Picture(pid);
      }
    }
  }
  return std::move(run.processes);
}

}  // namespace gordian::cli
