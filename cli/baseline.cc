// `gordian baseline write|diff|prune FILE RUN...`, and `gordian diff A B`.
#include "reports/baseline.h"

#include <fcntl.h>
#include <unistd.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/file_util.h"
#include "cli/final_report.h"
#include "cli/finding_set.h"
#include "cli/gate.h"
#include "cli/known.h"
#include "cli/message.h"
#include "cli/outputs.h"
#include "cli/report_file.h"
#include "reports/coverage.h"
#include "reports/text_style.h"

namespace gordian::cli {
namespace {

struct BaselineArguments {
  std::string action;
  std::string file;
  std::vector<std::string> runs;
  bool force = false;
};

int WriteBaseline(const report::Baseline& baseline, const std::string& path, const std::string& text) {
  std::string why;
  auto file = ReportFile::Open(path, ReportFile::Mode::kReplace, &why);
  if (!file.has_value()) {
    Message(why);
    return kExitKnown;
  }
  if (!file->Write(baseline.ToText())) {
    Message(ErrnoText(absl::StrCat("the baseline could not be written to ", path)));
    return kExitGordian;
  }
  Message(text);
  return 0;
}

// What is not seen whole must not become what is accepted.
std::optional<report::Report> LoadWhole(const BaselineArguments& arguments, const Options& options,
                                        int* exit_code) {
  auto report = LoadAndMark(arguments.runs, options, exit_code);
  if (report.has_value() && !report->failures.empty()) {
    for (const std::string& failure : report->failures) {
      Message(failure);
    }
    *exit_code = kExitExpectation;
    return std::nullopt;
  }
  return report;
}

int Write(const BaselineArguments& arguments, const Options& options) {
  if (!arguments.force && access(arguments.file.c_str(), F_OK) == 0) {
    Message(absl::StrCat(arguments.file,
                         " is there already; --force replaces it, `gordian baseline prune` shortens it"));
    return kExitKnown;
  }
  int exit_code = 0;
  const auto report = LoadWhole(arguments, options, &exit_code);
  if (!report.has_value()) {
    return exit_code;
  }
  const report::Baseline baseline = report::Baseline::Of(*report);
  return WriteBaseline(
      baseline, arguments.file,
      absl::StrCat(arguments.file, ": ", report::Plural(baseline.entries().size(), "finding", "findings")));
}

int Prune(const BaselineArguments& arguments, const Options& options) {
  std::string why;
  auto baseline = ReadBaseline(arguments.file, &why);
  if (!baseline.has_value()) {
    Message(why);
    return kExitKnown;
  }
  int exit_code = 0;
  const auto report = LoadWhole(arguments, options, &exit_code);
  if (!report.has_value()) {
    return exit_code;
  }
  const size_t gone = baseline->Prune(*report);
  return WriteBaseline(*baseline, arguments.file,
                       absl::StrCat(arguments.file, ": ", report::Plural(gone, "finding", "findings"),
                                    " taken out, ", baseline->entries().size(), " left"));
}

// What `report` has and the baseline has not, and the reverse.
int Compare(const report::Baseline& baseline, const std::string& name, const std::vector<std::string>& runs,
            const Options& options) {
  auto outputs = Outputs::OpenWithoutRun(options, {getpid(), "diff"});
  if (!outputs.has_value()) {
    return kExitGordian;
  }
  int exit_code = 0;
  auto report = LoadAndMark(runs, options, &exit_code);
  if (!report.has_value()) {
    return exit_code;
  }
  baseline.Mark(name, &*report);
  exit_code = GateExitCode(options, *report);
  return WriteReports(std::move(*report), &*outputs, exit_code);
}

int BaselineCommand(Options options, const BaselineArguments& arguments) {
  options.gate = true;
  options.baseline.clear();
  if (arguments.action == "write") {
    return Write(arguments, options);
  }
  if (arguments.action == "prune") {
    return Prune(arguments, options);
  }
  if (arguments.action != "diff") {
    Message(absl::StrCat("baseline: '", arguments.action, "' is none of write, diff, prune"));
    return kExitUsage;
  }
  std::string why;
  const auto baseline = ReadBaseline(arguments.file, &why);
  if (!baseline.has_value()) {
    Message(why);
    return kExitKnown;
  }
  return Compare(*baseline, arguments.file, arguments.runs, options);
}

int DiffCommand(const Options& options, const std::string& before, const std::string& after) {
  int exit_code = 0;
  const auto report = LoadAndMark({before}, options, &exit_code);
  return report.has_value() ? Compare(report::Baseline::Of(*report), before, {after}, options) : exit_code;
}

}  // namespace

void RegisterBaseline(CommandParser* line) {
  const auto arguments = std::make_shared<BaselineArguments>();
  Subcommand baseline;
  baseline.name = "baseline";
  baseline.help = "keep a list of known findings: write it, compare runs with it, take out what is gone";
  baseline.shared = SharedOptions::kReport;
  baseline.arguments = {
      {"ACTION", "write|diff|prune", "what to do", SetText(&arguments->action), false, true},
      {"FILE", "FILE", "the baseline", SetText(&arguments->file), false, true},
      {"RUN", "RUN", "runs kept with --out, JSON reports, or folders with them", AddText(&arguments->runs),
       true, true},
      {"--force", "", "write: replace FILE", SetTrue(&arguments->force)},
  };
  baseline.run = [arguments](Invocation invocation) {
    return BaselineCommand(std::move(invocation.options), *arguments);
  };
  line->Add(std::move(baseline));
}

void RegisterDiff(CommandParser* line) {
  const auto before = std::make_shared<std::string>();
  const auto after = std::make_shared<std::string>();
  Subcommand diff;
  diff.name = "diff";
  diff.help = "compare the findings of two runs: what is new, what is gone";
  diff.shared = SharedOptions::kReport;
  diff.arguments = {
      {"A", "RUN", "the earlier run: kept with --out, a JSON report, or a folder with them",
       SetText(before.get()), false, true},
      {"B", "RUN", "the later one", SetText(after.get()), false, true},
  };
  diff.run = [before, after](const Invocation& invocation) {
    return DiffCommand(invocation.options, *before, *after);
  };
  line->Add(std::move(diff));
}

}  // namespace gordian::cli
