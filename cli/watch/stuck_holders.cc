#include "cli/watch/stuck_holders.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "cli/watch/process_id.h"
#include "cli/watch/standstill.h"
#include "libsync/analyze/lookup.h"
#include "libsync/analyze/stuck_holders.h"
#include "libsync/inspect/survey.h"

namespace gordian::cli {
namespace {

constexpr uint64_t kMs = 1'000'000;
constexpr uint64_t kLongNs = 1'000 * kMs;   // a wait that is worth a question
constexpr uint64_t kApartNs = 1'000 * kMs;  // of the two answers
constexpr uint64_t kLongestPatienceNs = 30'000 * kMs;
constexpr uint64_t kCostFactor = 50;  // as the watcher's
constexpr size_t kMostProcesses = 8;

// A question costs more than a look, so it is only asked where another thread may have the lock: not of a
// signal, and not of a lock that the waiter has itself (CPython's conditions wait for one that is their own).
bool WaitsForAnother(const trace::SlotSnapshot& waiter) {
  const trace::SlotRecord& slot = waiter.slot;
  return static_cast<trace::WaitKind>(slot.wait_kind) == trace::WaitKind::kLock &&
         (slot.wait_flags & trace::kAnybody) == 0 &&
         std::none_of(waiter.held.begin(), waiter.held.end(),
                      [&slot](const trace::HeldEntry& held) { return held.lock == slot.wait_object; });
}

std::string PlaceOf(const trace::Process& process, const trace::Thread& thread) {
  std::string place = absl::StrCat(thread.tid, "@", thread.wait.address);
  if (const trace::Stack* stack = analyze::At(process.stacks, thread.wait.stack)) {
    for (const trace::Frame& frame : stack->frames) {
      absl::StrAppend(&place, " ", frame.module, "+", frame.offset);
    }
  }
  return place;
}

// Who waits for whom, where.
std::string KeyOf(const trace::Run& run, const analyze::StuckHolder& stuck) {
  const trace::Process& process = run.processes[static_cast<size_t>(stuck.waiter.process)];
  const trace::Thread& waiter = process.threads[static_cast<size_t>(stuck.waiter.thread)];
  const std::string key = PlaceOf(process, waiter);
  if (stuck.holder.thread == trace::kNoIndex) {
    return absl::StrCat(key, " < ", waiter.wait.held_by);
  }
  const trace::Process& other = run.processes[static_cast<size_t>(stuck.holder.process)];
  return absl::StrCat(key, " < ", PlaceOf(other, other.threads[static_cast<size_t>(stuck.holder.thread)]));
}

void Forget(const analyze::StuckHolder& stuck, trace::Run* run) {
  trace::Process& process = run->processes[static_cast<size_t>(stuck.waiter.process)];
  process.threads[static_cast<size_t>(stuck.waiter.thread)].settled = false;
}

}  // namespace

void StuckHolderWatch::Look(const LiveTrace& trace, const std::vector<trace::SlotSnapshot>& slots,
                            uint64_t now_ns) {
  std::map<int32_t, Waiter> fresh;
  std::map<int32_t, Waiter>& known = waiters_[trace.path];
  for (const trace::SlotSnapshot& slot : slots) {
    if (WaitsForAnother(slot)) {
      const auto before = known.find(slot.slot.tid);
      const bool same = before != known.end() && before->second.slot.SameAs(slot);
      fresh[slot.slot.tid] = {slot, same ? before->second.since_ns : now_ns};
    }
  }
  known = std::move(fresh);
}

std::set<pid_t> StuckHolderWatch::WaitingProcesses(const TraceSet& traces, uint64_t now_ns) {
  std::erase_if(waiters_, [&](const auto& entry) { return !traces.live().contains(entry.first); });
  std::set<pid_t> pids;
  for (const auto& [path, waiters] : waiters_) {
    const bool long_since = std::any_of(waiters.begin(), waiters.end(), [&](const auto& entry) {
      return now_ns - entry.second.since_ns >= kLongNs;
    });
    if (long_since) {
      pids.insert(traces.live().at(path).pid);
    }
  }
  // One of the others may have a lock that they share.
  for (const auto& [path, trace] : traces.live()) {
    if (!pids.empty() && pids.size() < kMostProcesses && trace.pid != 0) {
      pids.insert(trace.pid);
    }
  }
  return pids;
}

std::vector<trace::Process> StuckHolderWatch::Ask(const inspect::Surroundings& surroundings, TraceSet* traces,
                                                  uint64_t now_ns) {
  const std::set<pid_t> pids = WaitingProcesses(*traces, now_ns);
  if (pids.empty()) {
    next_question_ns_ = 0;
    patience_ns_ = 0;
    found_.clear();
    return {};
  }
  if (now_ns < next_question_ns_) {
    return {};
  }
  const uint64_t begin_ns = SpentNs();
  inspect::SurveyOptions options;
  options.looks = 2;
  options.surroundings = surroundings;
  trace::Run run;
  run.processes = WithTraces(inspect::TakeSurvey({pids.begin(), pids.end()}, options).run.processes, traces);
  std::set<std::string> found;
  bool is_news = false;
  bool again = false;
  for (const analyze::StuckHolder& stuck : analyze::FindStuckHolders(run)) {
    const std::string key = KeyOf(run, stuck);
    found.insert(key);
    const bool tell = found_.contains(key) && told_.insert(key).second;
    again = again || !found_.contains(key);
    is_news = is_news || tell;
    if (!tell) {
      Forget(stuck, &run);
    }
  }
  patience_ns_ = again ? kApartNs : std::clamp(patience_ns_ * 2, kApartNs, kLongestPatienceNs);
  next_question_ns_ = now_ns + std::max(patience_ns_, (SpentNs() - begin_ns) * kCostFactor);
  found_ = std::move(found);
  return is_news ? std::move(run.processes) : std::vector<trace::Process>();
}

}  // namespace gordian::cli
