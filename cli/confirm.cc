// `gordian confirm DIR -- CMD`: makes predicted deadlocks happen. Each try runs the program anew and holds
// its threads back at the steps of the cycle until all of them stand there; what is then confirmed is a
// deadlock that did happen.
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/message.h"
#include "cli/plan.h"
#include "cli/trial.h"
#include "libsync/analyze/detector.h"
#include "libsync/trace/reader.h"
#include "reports/report.h"

namespace gordian::cli {
namespace {

// The longest that a thread is held back, from try to try: short pauses disturb less, long ones wait for slow
// threads.
constexpr uint32_t kPausesMs[] = {200, 1000, 50, 3000};

struct Candidate {
  PlannedCycle cycle;
  report::ReportFinding finding;
};

report::ReportFinding Named(const trace::Run& run, const analyze::Finding& finding) {
  return report::BuildReport(run, {finding}, {}).findings.front();
}

std::vector<Candidate> FindCandidates(const trace::Run& run, const std::string& wanted) {
  std::vector<Candidate> candidates;
  for (const analyze::Finding& finding : analyze::Analyze(run)) {
    if (!absl::EndsWith(finding.rule->id, "-order-cycle")) {
      continue;
    }
    auto cycle = CycleOf(run, finding);
    report::ReportFinding named = Named(run, finding);
    if (!cycle.has_value() || !absl::StartsWith(named.fingerprint, wanted)) {
      continue;
    }
    cycle->fingerprint = named.fingerprint;
    cycle->title = named.title;
    candidates.push_back({std::move(*cycle), std::move(named)});
  }
  return candidates;
}

// The deadlock of this run that stands at the places of the cycle.
std::optional<report::ReportFinding> DeadlockOf(const trace::Run& run, const PlannedCycle& cycle) {
  for (const analyze::Finding& finding : analyze::Analyze(run)) {
    if (std::string_view(finding.rule->id) != "deadlock") {
      continue;
    }
    const auto happened = CycleOf(run, finding);
    if (happened.has_value() && SameWaits(cycle, *happened)) {
      return Named(run, finding);
    }
  }
  return std::nullopt;
}

// How far a try came: how many of the cycle's threads stood at their steps at one time.
std::string HowFar(const trace::Run& run, const PlannedCycle& cycle) {
  uint64_t together = 0;
  uint64_t pauses = 0;
  for (const trace::Process& process : run.processes) {
    together = std::max(together, process.counters.most_together);
    pauses += process.counters.pauses;
  }
  return absl::StrCat(together, " of ", cycle.steps.size(), " threads stood at their steps at one time (",
                      pauses, pauses == 1 ? " pause)" : " pauses)");
}

Plan PlanFor(const PlannedCycle& cycle, uint64_t seed) {
  Plan plan;
  plan.wishes = trace::kSteer;
  plan.seed = seed;
  plan.pause_ms = kPausesMs[seed % std::size(kPausesMs)];
  // Every other try also shakes the schedule: a thread may have to be late to meet the others.
  if (seed % 2 == 0) {
    plan.wishes |= trace::kDisturb;
  }
  plan.cycles = {cycle};
  return plan;
}

void Print(const std::string& text) {
  std::fputs(text.c_str(), stdout);
  std::fflush(stdout);
}

enum class Outcome { kConfirmed, kNot, kBroken };

Outcome Confirm(const TryOptions& options, const std::vector<std::string>& command, const TrialFolder& folder,
                Candidate* candidate, int* exit_code) {
  for (uint64_t attempt = 0; attempt < options.runs; ++attempt) {
    const uint64_t seed = options.seed + attempt;
    const Trial trial = RunTrial(PlanFor(candidate->cycle, seed), options, command, folder);
    if (CouldNotStart(trial, exit_code)) {
      Message(absl::StrCat("cannot run the program: ", trial.problem));
      return Outcome::kBroken;
    }
    const auto deadlock = DeadlockOf(*trial.run, candidate->cycle);
    if (deadlock.has_value()) {
      candidate->cycle.seed = seed;
      Print(absl::StrCat("  try ", attempt + 1, " of ", options.runs, ": CONFIRMED, the program hangs\n",
                         "  again: gordian confirm ", options.directory, " --finding ",
                         candidate->cycle.fingerprint, " --tries 1 --seed ", seed, " ", ShellCommand(command),
                         "\n\n", report::FindingToText(*deadlock, {}), "\n"));
      return Outcome::kConfirmed;
    }
    Print(absl::StrCat("  try ", attempt + 1, " of ", options.runs, ": ",
                       HowFar(*trial.run, candidate->cycle), "\n"));
  }
  Print("  not reproduced: it stays potential\n\n");
  return Outcome::kNot;
}

}  // namespace

int ConfirmCommand(const TryOptions& options, const std::vector<std::string>& command) {
  std::string why;
  const auto run = trace::ReadRun(options.directory, &why);
  if (!run.has_value()) {
    Message("cannot read the run in " + options.directory + ": " + why);
    return kExitCannotInspect;
  }
  std::vector<Candidate> candidates = FindCandidates(*run, options.finding);
  if (candidates.empty()) {
    Message(options.finding.empty()
                ? "the run has no possible deadlock to confirm"
                : "the run has no possible deadlock with the fingerprint " + options.finding);
    return options.finding.empty() ? 0 : kExitUsage;
  }
  const TrialFolder folder;
  if (!folder.valid()) {
    Message(ErrnoText("cannot make a folder for the tries"));
    return kExitGordian;
  }
  std::vector<PlannedCycle> confirmed;
  for (size_t c = 0; c < candidates.size(); ++c) {
    Print(absl::StrCat("gordian: confirm ", c + 1, " of ", candidates.size(), ": ",
                       candidates[c].cycle.fingerprint, " ", candidates[c].cycle.title, "\n"));
    int exit_code = 0;
    const Outcome outcome = Confirm(options, command, folder, &candidates[c], &exit_code);
    if (outcome == Outcome::kBroken) {
      return exit_code;
    }
    if (outcome == Outcome::kConfirmed) {
      confirmed.push_back(candidates[c].cycle);
    }
  }
  Print(absl::StrCat("gordian: ", confirmed.size(), " of ", candidates.size(),
                     candidates.size() == 1 ? " possible deadlock" : " possible deadlocks", " confirmed\n"));
  if (!options.output.empty()) {
    const std::string problem = WriteCycles(confirmed, options.output);
    if (!problem.empty()) {
      Message(problem);
      return kExitGordian;
    }
  }
  return confirmed.empty() ? 0 : 66;
}

}  // namespace gordian::cli
