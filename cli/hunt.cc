// `gordian hunt -n RUNS -- CMD`: many runs, each with other random pauses, and everything that any of them
// found. Runs are also held back at the steps of the cycles that the runs before them showed possible.
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/message.h"
#include "cli/trial.h"
#include "libsync/analyze/detector.h"
#include "reports/coverage.h"
#include "reports/report.h"

namespace gordian::cli {
namespace {

// At a step of a cycle, in the hope that the others come.
constexpr uint32_t kPauseMs = 50;

struct Caught {
  report::ReportFinding finding;
  uint64_t runs = 0;
  uint64_t last_run = 0;
  std::string again;  // the command that shows it, as the first run did
};

class Bag {
 public:
  // `again`: the command that repeats the run. Returns whether something confirmed is among its findings.
  bool Add(const trace::Run& run, const std::string& again) {
    const std::vector<analyze::Finding> findings = analyze::Analyze(run);
    for (const analyze::Finding& finding : findings) {
      AddCycle(run, finding);
    }
    ++runs_;
    bool confirmed = false;
    for (const report::ReportFinding& finding : report::BuildReport(run, findings, {}).findings) {
      confirmed = confirmed || (finding.confidence == "confirmed" && finding.level == "error");
      Caught* known = Find(finding.fingerprint);
      if (known == nullptr) {
        caught_.push_back({finding, 0, 0, again});
        known = &caught_.back();
      }
      known->runs += known->last_run == runs_ ? 0 : 1;
      known->last_run = runs_;
    }
    return confirmed;
  }
  // Those that fit into one plan.
  const std::vector<PlannedCycle>& cycles() const { return cycles_; }
  const std::vector<Caught>& caught() const { return caught_; }
  uint64_t Errors() const {
    uint64_t errors = 0;
    for (const Caught& caught : caught_) {
      errors += caught.finding.level == "error" ? 1 : 0;
    }
    return errors;
  }

 private:
  Caught* Find(const std::string& fingerprint) {
    for (Caught& caught : caught_) {
      if (caught.finding.fingerprint == fingerprint) {
        return &caught;
      }
    }
    return nullptr;
  }

  void AddCycle(const trace::Run& run, const analyze::Finding& finding) {
    auto cycle = absl::EndsWith(finding.rule->id, "-order-cycle") ? CycleOf(run, finding) : std::nullopt;
    if (cycle.has_value() && steps_ + cycle->steps.size() <= trace::kMostPlanSteps &&
        std::none_of(cycles_.begin(), cycles_.end(),
                     [&](const PlannedCycle& known) { return known.steps == cycle->steps; })) {
      steps_ += cycle->steps.size();
      cycles_.push_back(std::move(*cycle));
    }
  }

  std::vector<Caught> caught_;
  std::vector<PlannedCycle> cycles_;
  size_t steps_ = 0;
  uint64_t runs_ = 0;
};

// What a run that knew no cycle yet did, its seed alone does again; a later one is known by those before it.
std::string CommandAgain(const Plan& plan, uint64_t number, const TryOptions& options,
                         const std::vector<std::string>& command) {
  if (plan.cycles.empty()) {
    return absl::StrCat("gordian run --perturb=", plan.seed, " ", ShellCommand(command),
                        InputRedirection(options));
  }
  return absl::StrCat("gordian hunt -n ", number, " --seed ", options.seed, InputOption(options), " ",
                      ShellCommand(command));
}

void ShowProgress(uint64_t done, uint64_t runs, const Bag& bag) {
  constexpr uint64_t width = 30;
  if (isatty(STDERR_FILENO) == 0) {
    return;
  }
  const uint64_t filled = runs == 0 ? width : done * width / runs;
  std::fprintf(stderr, "\rgordian: hunt [%s%s] %lu/%lu, %lu errors", std::string(filled, '#').c_str(),
               std::string(width - filled, ' ').c_str(), static_cast<unsigned long>(done),
               static_cast<unsigned long>(runs), static_cast<unsigned long>(bag.Errors()));
  if (done == runs) {
    std::fputc('\n', stderr);
  }
}

void PrintBag(const Bag& bag, uint64_t done) {
  for (const Caught& caught : bag.caught()) {
    std::fputs(report::FindingToText(caught.finding, {}).c_str(), stdout);
    std::printf("  In %lu of %lu runs, first with: %s\n\n", static_cast<unsigned long>(caught.runs),
                static_cast<unsigned long>(done), caught.again.c_str());
  }
  std::printf(
      "gordian: hunt: %s, %s, in %s\n", report::Plural(bag.caught().size(), "finding", "findings").c_str(),
      report::Plural(bag.Errors(), "error", "errors").c_str(), report::Plural(done, "run", "runs").c_str());
}

}  // namespace

int HuntCommand(const TryOptions& options, const std::vector<std::string>& command) {
  std::string why;
  const TrialFolder folder(&why);
  if (!folder.valid()) {
    Message(why);
    return kExitGordian;
  }
  Bag bag;
  uint64_t done = 0;
  bool over = false;
  ShowProgress(0, options.runs, bag);
  while (done < options.runs && !over) {
    Plan plan;
    plan.wishes = trace::kDisturb | (bag.cycles().empty() ? 0u : static_cast<uint32_t>(trace::kSteer));
    plan.seed = options.seed + done;
    plan.pause_ms = kPauseMs;
    plan.cycles = bag.cycles();
    const Trial trial = RunTrial(plan, options, command, folder);
    int exit_code = 0;
    if (IsOver(trial, &exit_code)) {
      if (trial.interrupted_by != 0) {
        PrintBag(bag, done);
      }
      return exit_code;
    }
    ++done;
    over = bag.Add(*trial.run, CommandAgain(plan, done, options, command)) && options.stop;
    ShowProgress(over ? options.runs : done, options.runs, bag);
  }
  PrintBag(bag, done);
  return bag.Errors() != 0 ? 66 : 0;
}

}  // namespace gordian::cli
