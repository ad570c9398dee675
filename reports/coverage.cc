#include "reports/coverage.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "reports/frames.h"
#include "reports/redact.h"

namespace gordian::report {
namespace {

using Sentences = std::vector<std::string>;

constexpr size_t kNamesPerSentence = 3;

std::string ProcessLabel(const trace::Process& process) {
  const std::string name = BaseName(process.executable);
  return absl::StrCat(name.empty() ? "a process" : name, " (pid ", process.pid, ")");
}

// "a, b, c and 4 more"
std::string ListOf(const std::vector<std::string>& names) {
  if (names.size() <= kNamesPerSentence + 1) {
    return absl::StrJoin(names, ", ");
  }
  return absl::StrCat(absl::StrJoin(names.begin(), names.begin() + kNamesPerSentence, ", "), " and ",
                      names.size() - kNamesPerSentence, " more");
}

// One sentence about all processes for which `amount` is not zero: `before` + the sum + `middle` + who.
void AddCounted(const trace::Run& run, const std::string& one, const std::string& many, const char* what,
                const std::function<uint64_t(const trace::Process&)>& amount, Sentences* out) {
  uint64_t sum = 0;
  std::vector<std::string> who;
  for (const trace::Process& process : run.processes) {
    if (const uint64_t count = amount(process); count > 0) {
      sum += count;
      who.push_back(ProcessLabel(process));
    }
  }
  if (sum > 0) {
    out->push_back(absl::StrCat(Plural(sum, one, many), " ", what, " ", ListOf(who)));
  }
}

// One sentence about all processes for which `holds`: `before` + who + `after`.
void AddFlagged(const trace::Run& run, const char* before, const char* after,
                const std::function<bool(const trace::Process&)>& holds, Sentences* out) {
  std::vector<std::string> who;
  for (const trace::Process& process : run.processes) {
    if (holds(process)) {
      who.push_back(ProcessLabel(process));
    }
  }
  if (!who.empty()) {
    out->push_back(absl::StrCat(before, ListOf(who), after));
  }
}

void AddUnseen(const trace::Run& run, bool redact, Sentences* out) {
  std::map<std::string, std::vector<std::string>> by_reason;
  std::vector<std::string> alive;
  for (const trace::Observed& observed : run.observed) {
    const std::string command = redact ? RedactLine(observed.command) : observed.command;
    const std::string label = command.empty() ? absl::StrCat("pid ", observed.pid) : command;
    if (!observed.unseen.empty()) {
      by_reason[observed.unseen].push_back(label);
    }
    if (run.over && observed.alive_at_end) {
      alive.push_back(absl::StrCat(label, " (pid ", observed.pid, ")"));
    }
  }
  for (auto& [reason, commands] : by_reason) {
    const size_t count = commands.size();
    std::sort(commands.begin(), commands.end());
    commands.erase(std::unique(commands.begin(), commands.end()), commands.end());
    out->push_back(absl::StrCat(Plural(count, "process was", "processes were"),
                                " not seen: ", ListOf(commands), " (", reason, ")"));
  }
  if (!alive.empty()) {
    out->push_back(absl::StrCat(Plural(alive.size(), "process", "processes"),
                                " still ran when the report was made: ", ListOf(alive)));
  }
}

void AddRecorder(const trace::Run& run, Sentences* out) {
  AddCounted(
      run, "record was", "records were",
      "dropped (no room left, or a signal handler took a lock while one was written) in",
      [](const trace::Process& p) { return p.counters.records_dropped; }, out);
  AddCounted(
      run, "stack", "stacks", "could not be taken in",
      [](const trace::Process& p) { return p.counters.stacks_skipped; }, out);
  AddCounted(
      run, "place waits", "places wait", "for a futex whose owner is not known, in",
      [](const trace::Process& p) { return p.counters.futex_waits_unseen; }, out);
  for (const trace::Process& process : run.processes) {
    if ((process.flags & trace::kRecorderOff) != 0) {
      out->push_back(absl::StrCat("recording switched itself off in ", ProcessLabel(process), ": ",
                                  process.off_reason.empty() ? "no reason was given" : process.off_reason));
    }
    if (!process.damage.empty()) {
      out->push_back(absl::StrCat("the trace of ", ProcessLabel(process), " is damaged: ", process.damage));
    }
  }
  AddFlagged(
      run, "the trace ran out of room in ", ": what came later is missing",
      [](const trace::Process& p) { return (p.flags & trace::kStorageFull) != 0; }, out);
  AddFlagged(
      run, "", " did not pass through the hooks: nothing was seen of it",
      [](const trace::Process& p) { return (p.flags & trace::kHooksWork) == 0; }, out);
  AddFlagged(
      run, "no free was looked at in ",
      ": libgordian_check_free.so does not stand behind the shim in LD_PRELOAD",
      [](const trace::Process& p) { return (p.flags & trace::kFreesUnseen) != 0; }, out);
  AddFlagged(
      run, "locks are known by address only in ",
      ": one that reuses the memory of another may be taken for it",
      [](const trace::Process& p) {
        return (p.flags & trace::kHooksWork) != 0 && (p.flags & trace::kTagsWork) == 0;
      },
      out);
  AddFlagged(
      run, "", " set up a seccomp filter: recording made no system call since, and may have stopped there",
      [](const trace::Process& p) { return (p.flags & trace::kSeccomp) != 0; }, out);
}

// A process id is used again, in a long run many times. One whose start nobody saw is counted where no other
// has its id.
uint64_t CountProcesses(const trace::Run& run) {
  std::set<std::pair<int32_t, uint64_t>> processes;
  for (const trace::Observed& observed : run.observed) {
    processes.emplace(observed.pid, observed.start_ticks);
  }
  for (const trace::Process& process : run.processes) {
    processes.emplace(process.pid, process.start_ticks);
  }
  uint64_t count = 0;
  for (auto at = processes.begin(); at != processes.end(); ++at) {
    const auto next = std::next(at);
    const bool is_another = at->second != 0 || next == processes.end() || next->first != at->first;
    count += is_another ? 1 : 0;
  }
  return count;
}

// Of what is part of the run, what passed through the hooks from its first image to its last.
void CountRecorded(const trace::Run& run, ReportCoverage* coverage) {
  std::set<std::pair<int32_t, uint64_t>> recorded;
  std::set<std::pair<int32_t, uint64_t>> incomplete;
  for (const trace::Process& process : run.processes) {
    if ((process.flags & trace::kHooksWork) == 0) {
      continue;
    }
    recorded.emplace(process.pid, process.start_ticks);
    if ((process.flags & (trace::kRecorderOff | trace::kStorageFull)) != 0 || !process.damage.empty()) {
      incomplete.emplace(process.pid, process.start_ticks);
    }
  }
  for (const trace::Observed& observed : run.observed) {
    if (!observed.unseen.empty()) {
      recorded.erase({observed.pid, observed.start_ticks});
    }
  }
  coverage->recorded = recorded.size();
  coverage->incomplete = incomplete.size();
}

}  // namespace

std::string Plural(uint64_t count, const std::string& one, const std::string& many) {
  return absl::StrCat(count, " ", count == 1 ? one : many);
}

ReportCoverage Coverage(const trace::Run& run, const std::vector<std::string>& complaints, bool redact) {
  ReportCoverage coverage;
  for (const trace::Process& process : run.processes) {
    coverage.threads += static_cast<uint64_t>(std::count_if(
        process.threads.begin(), process.threads.end(), [&process](const trace::Thread& thread) {
          // An exec leaves the main thread what it is, in a new image. An owner that an inspector found gone
          // is no thread that it saw.
          const bool again = process.image != 0 && (thread.flags & trace::kMainThread) != 0;
          return !again && (thread.live || !thread.gone);
        }));
    coverage.events += process.threads.size() + process.locks.size() + process.dependencies.size() +
                       process.children.size() + process.events.size();
    coverage.dropped += process.counters.records_dropped;
  }
  coverage.processes = CountProcesses(run);
  CountRecorded(run, &coverage);
  AddUnseen(run, redact, &coverage.unseen);
  AddRecorder(run, &coverage.unseen);
  coverage.unseen.insert(coverage.unseen.end(), run.lost.begin(), run.lost.end());
  coverage.unseen.insert(coverage.unseen.end(), complaints.begin(), complaints.end());
  return coverage;
}

}  // namespace gordian::report
