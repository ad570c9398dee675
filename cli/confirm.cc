// `gordian confirm DIR -- CMD`: makes predicted deadlocks happen. Each try runs the program anew and holds
// its threads back at the steps of the cycle until all of them stand there; what is then confirmed is a
// deadlock that did happen.
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/final_report.h"
#include "cli/known.h"
#include "cli/message.h"
#include "cli/outputs.h"
#include "cli/plan.h"
#include "cli/trial.h"
#include "libsync/analyze/detector.h"
#include "libsync/analyze/lookup.h"
#include "libsync/trace/reader.h"
#include "reports/merge.h"
#include "reports/report.h"

namespace gordian::cli {
namespace {

// The longest that a thread is held back, from try to try: short pauses disturb less, long ones wait for slow
// threads. One in sixteen outlasts what programs wait for each other before they give up.
constexpr uint32_t kPausesMs[] = {50, 200, 1000, 3000};
constexpr uint32_t kLongestPauseMs = 25000;

uint32_t PauseOf(uint64_t seed, double timeout_seconds) {
  const uint32_t pause_ms = seed % 16 == 5 ? kLongestPauseMs : kPausesMs[seed % std::size(kPausesMs)];
  // Those who are held back in vain, one after the other, shall see the end of the program.
  return std::min(pause_ms, static_cast<uint32_t>(std::min(timeout_seconds, 1e6) * 1000 / 3));
}

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

// What is accepted needs no proof. Returns how many were left out.
size_t LeaveOutKnown(const Options& options, std::vector<Candidate>* candidates) {
  return std::erase_if(*candidates, [&options](const Candidate& candidate) {
    report::Report report;
    report.findings = {candidate.finding};
    MarkKnown(options, &report);
    return report.findings.front().status != "new";
  });
}

// What a try came to.
struct Result {
  std::optional<report::ReportFinding> deadlock;  // at the places of the cycle
  std::string other;                              // fingerprint of another one
  uint64_t together = 0;                          // threads that stood at their steps at one time
  uint64_t pauses = 0;
};

// What the trace of a program that hung cannot say of itself. In the run that was kept the semaphores of the
// cycle were locks, posted by their holders alone; in one that hung nobody came as far as the post. And where
// a waiter of a condition was in its wait was seen by the watcher, who called it a deadlock, not by the
// trace.
class Completion {
 public:
  Completion(const Trial& trial, const PlannedCycle& cycle, trace::Run* run)
      : trial_(trial), cycle_(cycle), run_(*run) {}

  void Complete() {
    for (size_t p = 0; p < run_.processes.size(); ++p) {
      for (trace::Thread& thread : run_.processes[p].threads) {
        for (const trace::Holding& held : thread.held) {
          CompleteSemaphore(p, held.lock, held.stack);
        }
        CompleteSemaphore(p, thread.wait.lock, thread.wait.stack);
        CompleteWait(run_.processes[p], &thread.wait);
      }
    }
  }

 private:
  void CompleteSemaphore(size_t process, trace::Index index, trace::Index stack) {
    if (index < 0) {
      return;
    }
    trace::Lock& lock = run_.processes[process].locks[static_cast<size_t>(index)];
    const std::vector<PlannedFrame> place = FramesOf(run_, {static_cast<trace::Index>(process), stack});
    const bool is_of_cycle =
        !place.empty() && std::any_of(cycle_.steps.begin(), cycle_.steps.end(), [&](const PlannedStep& step) {
          return step.outer == place || step.inner == place;
        });
    if (is_of_cycle && analyze::IsSemaphore(lock) && (lock.flags & trace::kHandOff) == 0) {
      lock.flags |= trace::kLockLike;
    }
  }

  void CompleteWait(const trace::Process& process, trace::Wait* wait) {
    if (wait->kind == trace::WaitKind::kCondition && wait->lock >= 0) {
      const uint32_t signals = process.locks[static_cast<size_t>(wait->lock)].signals;
      wait->reacquiring = trial_.ended_for_deadlock() && signals != static_cast<uint32_t>(wait->value);
    }
  }

  const Trial& trial_;
  const PlannedCycle& cycle_;
  trace::Run& run_;
};

Result ResultOf(const Trial& trial, const PlannedCycle& cycle) {
  Result result;
  trace::Run run = *trial.run;
  if (run.ended_by_gordian) {
    Completion(trial, cycle, &run).Complete();
  }
  for (const analyze::Finding& finding : analyze::Analyze(run)) {
    if (std::string_view(finding.rule->id) != "deadlock") {
      continue;
    }
    const auto happened = CycleOf(run, finding);
    if (happened.has_value() && SameWaits(cycle, *happened)) {
      result.deadlock = Named(run, finding);
      break;
    }
    result.other = Named(run, finding).fingerprint;
  }
  for (const trace::Process& process : run.processes) {
    result.together = std::max(result.together, process.counters.most_together);
    result.pauses += process.counters.pauses;
  }
  return result;
}

std::string HowFar(const Trial& trial, const Result& result, size_t steps) {
  return absl::StrCat(result.together, " of ", steps, " threads stood at their steps at one time (",
                      result.pauses, result.pauses == 1 ? " pause)" : " pauses)",
                      !result.other.empty()      ? "; another deadlock happened: " + result.other
                      : trial.ended_by_timeout() ? "; ended by --timeout"
                                                 : "");
}

Plan PlanFor(const PlannedCycle& cycle, uint64_t seed, double timeout_seconds) {
  Plan plan;
  plan.wishes = trace::kSteer;
  plan.seed = seed;
  plan.pause_ms = PauseOf(seed, timeout_seconds);
  // Every other try also shakes the schedule: a thread may have to be late to meet the others.
  if (seed % 2 == 0) {
    plan.wishes |= trace::kDisturb;
  }
  plan.cycles = {cycle};
  return plan;
}

// Tells how the tries go, and keeps what they came to for the report.
class Teller {
 public:
  explicit Teller(Outputs* outputs) : outputs_(*outputs) {}

  // Of no use to who reads a line a finding.
  void Tell(const std::string& text) const {
    if (outputs_.style().verbosity >= 0 && outputs_.style().format == report::TextFormat::kFull) {
      outputs_.Text(text);
    }
  }
  void Conclude(const std::string& text) const { outputs_.Text(text); }
  void Found(report::ReportFinding finding) {
    if (outputs_.style().format == report::TextFormat::kShort && outputs_.style().verbosity >= 0) {
      outputs_.Text(report::FindingToText(finding, outputs_.style()));
    }
    findings_.Add(std::move(finding));
  }
  std::vector<report::ReportFinding> TakeFindings() { return findings_.Take(); }
  const report::TextOptions& style() const { return outputs_.style(); }

 private:
  const Outputs& outputs_;
  report::FindingMerger findings_;
};

enum class Outcome { kConfirmed, kNot, kBroken };

Outcome Confirm(const TryOptions& options, const std::vector<std::string>& command, const TrialFolder& folder,
                Candidate* candidate, Teller* teller, int* exit_code) {
  uint64_t nearest = 0;
  for (uint64_t attempt = 0; attempt < options.runs; ++attempt) {
    const uint64_t seed = options.seed + attempt;
    const Trial trial =
        RunTrial(PlanFor(candidate->cycle, seed, options.timeout_seconds), options, command, folder);
    if (IsOver(trial, exit_code)) {
      return Outcome::kBroken;
    }
    Result result = ResultOf(trial, candidate->cycle);
    if (result.deadlock.has_value()) {
      candidate->cycle.seed = seed;
      result.deadlock->again =
          absl::StrCat("gordian confirm ", options.directory, " --finding ", candidate->cycle.fingerprint,
                       " --tries 1 --seed ", seed, InputOption(options), " ", ShellCommand(command));
      teller->Tell(absl::StrCat("  try ", attempt + 1, " of ", options.runs,
                                ": CONFIRMED, the program hangs\n", "  again: ", result.deadlock->again,
                                "\n\n", report::FindingToText(*result.deadlock, teller->style()), "\n"));
      teller->Found(std::move(*result.deadlock));
      return Outcome::kConfirmed;
    }
    nearest = std::max(nearest, result.together);
    teller->Tell(absl::StrCat("  try ", attempt + 1, " of ", options.runs, ": ",
                              HowFar(trial, result, candidate->cycle.steps.size()), "\n"));
  }
  teller->Tell("  not reproduced: it stays potential\n");
  if (nearest == 0 && options.runs != 0) {
    teller->Tell(
        absl::StrCat("  No thread came to these places: is it the same program, with the same arguments",
                     options.input.empty() ? ", and does it need --input FILE?" : " and input?", "\n"));
  }
  teller->Tell("\n");
  teller->Found(candidate->finding);
  return Outcome::kNot;
}

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
  const size_t known = options.finding.empty() ? LeaveOutKnown(options.report, &candidates) : 0;
  if (known > 0) {
    Message(absl::StrCat(known, known == 1 ? " possible deadlock is" : " possible deadlocks are",
                         " suppressed and not tried"));
  }
  for (const Candidate& candidate : candidates) {
    const std::string problem = BuiltAnew(candidate.cycle);
    if (!problem.empty()) {
      Message(absl::StrCat(options.directory, " is of another build: ", problem, "; keep a run of this one"));
      return kExitUsage;
    }
  }
  auto outputs = Outputs::OpenWithoutRun(options.report, {getpid(), command[0]});
  if (!outputs.has_value()) {
    return kExitGordian;
  }
  Teller teller(&*outputs);
  const TrialFolder folder(&why);
  if (!folder.valid()) {
    Message(why);
    return kExitGordian;
  }
  std::vector<PlannedCycle> confirmed;
  for (size_t c = 0; c < candidates.size(); ++c) {
    teller.Tell(absl::StrCat("gordian: confirm ", c + 1, " of ", candidates.size(), ": ",
                             candidates[c].cycle.fingerprint, " ", candidates[c].cycle.title, "\n"));
    int exit_code = 0;
    const Outcome outcome = Confirm(options, command, folder, &candidates[c], &teller, &exit_code);
    if (outcome == Outcome::kBroken) {
      return exit_code;
    }
    if (outcome == Outcome::kConfirmed) {
      confirmed.push_back(candidates[c].cycle);
    }
  }
  teller.Conclude(absl::StrCat("gordian: ", confirmed.size(), " of ", candidates.size(),
                               candidates.size() == 1 ? " possible deadlock" : " possible deadlocks",
                               " confirmed\n"));
  if (!options.output.empty()) {
    const std::string problem = WriteCycles(confirmed, options.output);
    if (!problem.empty()) {
      Message(problem);
      return kExitGordian;
    }
  }
  report::BuildOptions build_options;
  build_options.redact = options.report.redact;
  report::Report report = report::BuildReport(*run, {}, build_options);
  report.findings = teller.TakeFindings();
  MarkKnown(options.report, &report);
  const bool failing =
      options.report.fail_on != FailOn::kNever &&
      std::any_of(report.findings.begin(), report.findings.end(), [](const report::ReportFinding& finding) {
        return finding.status == "new" && finding.confidence == "confirmed";
      });
  report.exit_code = failing ? options.report.error_exitcode : 0;
  if (!WriteFiles(&report, &*outputs)) {
    Message(report.coverage.unseen.back());
    return kExitGordian;
  }
  return outputs->text_failed() ? kExitGordian : *report.exit_code;
}

}  // namespace

void RegisterConfirm(CommandParser* line) {
  const auto options = std::make_shared<TryOptions>();
  Subcommand confirm;
  confirm.name = "confirm";
  confirm.help = "run a program again and steer it into the deadlocks that a run showed possible";
  confirm.footer = "Write the program behind `--`: gordian confirm DIR [OPTIONS] -- CMD [ARGS...]";
  confirm.shared = SharedOptions::kReport;
  confirm.command = TakesCommand::kRequired;
  confirm.arguments = TryArguments(options.get());
  confirm.arguments.insert(
      confirm.arguments.begin(),
      {{"DIR", "DIR", "the folder of a run that was kept with --out DIR", SetText(&options->directory), false,
        true},
       {"--finding", "FINGERPRINT", "only the finding with this fingerprint", SetText(&options->finding)},
       {"--tries", "N", "how often to try each finding (default 20)", SetPositive(&options->runs)},
       {"-o", "FILE", "write the confirmed cycles to FILE, for `gordian run --avoid FILE`",
        SetText(&options->output)}});
  confirm.run = [options](Invocation invocation) {
    options->report = std::move(invocation.options);
    return ConfirmCommand(*options, invocation.command);
  };
  confirm.without_proc = kExitGordian;
  line->Add(std::move(confirm));
}

}  // namespace gordian::cli
