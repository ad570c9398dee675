// `gordian hunt -n RUNS -- CMD`: many runs, each with other random pauses, and everything that any of them
// found. Runs are also held back at the steps of the cycles that the runs before them showed possible.
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
#include "cli/trial.h"
#include "libsync/analyze/detector.h"
#include "reports/coverage.h"
#include "reports/report.h"
#include "reports/text_known.h"

namespace gordian::cli {
namespace {

// At a step of a cycle, in the hope that the others come.
constexpr uint32_t kPauseMs = 50;

struct Caught {
  report::ReportFinding finding;  // its command is that of the first run
  uint64_t last_run = 0;
};

class Bag {
 public:
  explicit Bag(const Options& options) : options_(options) {
    analyze_options_.grace_ms = options.grace_ms;
    build_options_.redact = options.redact;
    build_options_.wrappers = options.wrappers;
  }

  // `again`: the command that repeats the run. Returns whether something confirmed is among its findings.
  bool Add(const trace::Run& run, const std::string& again) {
    const std::vector<analyze::Finding> findings = analyze::Analyze(run, analyze_options_);
    for (const analyze::Finding& finding : findings) {
      AddCycle(run, finding);
    }
    ++runs_;
    last_ = report::BuildReport(run, findings, build_options_);
    MarkKnown(options_, &last_);
    bool confirmed = false;
    for (report::ReportFinding& finding : std::exchange(last_.findings, {})) {
      confirmed = confirmed ||
                  (finding.status == "new" && finding.confidence == "confirmed" && finding.level == "error");
      Caught* known = Find(finding.fingerprint);
      if (known == nullptr) {
        known = &caught_.emplace_back(Caught{std::move(finding), 0});
        known->finding.again = again;
      }
      known->finding.runs += known->last_run == runs_ ? 0 : 1;
      known->last_run = runs_;
    }
    return confirmed;
  }

  // The last run's, with what any of them found.
  report::Report Report() const {
    report::Report report = last_;
    for (const Caught& caught : caught_) {
      report.findings.push_back(caught.finding);
    }
    MarkKnown(options_, &report);
    return report;
  }

  // Those that fit into one plan.
  const std::vector<PlannedCycle>& cycles() const { return cycles_; }
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

  const Options& options_;
  analyze::Options analyze_options_;
  report::BuildOptions build_options_;
  report::Report last_;  // without findings
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

std::string ToText(const report::Report& report, uint64_t done, const report::TextOptions& style) {
  std::string text;
  for (const report::ReportFinding& finding : report.findings) {
    if (style.verbosity < 0) {
      break;
    }
    if (finding.status != "new") {
      continue;
    }
    text += report::FindingToText(finding, style);
    if (style.format == report::TextFormat::kFull) {
      absl::StrAppend(&text, "  In ", finding.runs, " of ", done, " runs, first with: ", finding.again,
                      "\n\n");
    }
  }
  return absl::StrCat(text, "gordian: hunt: ", report::Plural(report.findings.size(), "finding", "findings"),
                      ", ", report::Plural(static_cast<uint64_t>(report.Summary().errors), "error", "errors"),
                      ", in ", report::Plural(done, "run", "runs"), report::KnownCounts(report.Summary()),
                      "\n");
}

// The exit code.
int Write(const Bag& bag, uint64_t done, const Options& options, Outputs* outputs) {
  report::Report report = bag.Report();
  report.exit_code = HasFailingFinding(report, options.fail_on) ? options.error_exitcode : 0;
  if (!WriteFiles(&report, outputs)) {
    Message(report.coverage.unseen.back());
    report.exit_code = kExitGordian;
  }
  outputs->Text(ToText(report, done, outputs->style()));
  return outputs->text_failed() ? kExitGordian : *report.exit_code;
}

int HuntCommand(const TryOptions& options, const std::vector<std::string>& command) {
  auto outputs = Outputs::OpenWithoutRun(options.report, {getpid(), command[0]});
  if (!outputs.has_value()) {
    return kExitGordian;
  }
  std::string why;
  const TrialFolder folder(&why);
  if (!folder.valid()) {
    Message(why);
    return kExitGordian;
  }
  Bag bag(options.report);
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
        Write(bag, done, options.report, &*outputs);
      }
      return exit_code;
    }
    ++done;
    over = bag.Add(*trial.run, CommandAgain(plan, done, options, command)) && options.stop;
    ShowProgress(over ? options.runs : done, options.runs, bag);
  }
  return Write(bag, done, options.report, &*outputs);
}

}  // namespace

void RegisterHunt(CommandParser* line) {
  const auto options = std::make_shared<TryOptions>();
  Subcommand hunt;
  hunt.name = "hunt";
  hunt.help = "run a program many times, each with other pauses, and collect findings";
  hunt.footer = "Write the program behind `--`: gordian hunt [OPTIONS] -- CMD [ARGS...]";
  hunt.shared = SharedOptions::kReport;
  hunt.command = TakesCommand::kRequired;
  hunt.arguments = TryArguments(options.get());
  hunt.arguments.insert(hunt.arguments.begin(),
                        {{"-n,--runs", "RUNS", "how many runs (default 20)", SetPositive(&options->runs)},
                         {"--stop", "", "end with the first confirmed finding", SetTrue(&options->stop)}});
  hunt.run = [options](Invocation invocation) {
    options->report = std::move(invocation.options);
    return HuntCommand(*options, invocation.command);
  };
  hunt.without_proc = kExitGordian;
  line->Add(std::move(hunt));
}

}  // namespace gordian::cli
