// `gordian check RUN...`: the gate of a job over many runs. It never writes a baseline.
#include <unistd.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/final_report.h"
#include "cli/finding_set.h"
#include "cli/gate.h"
#include "cli/outputs.h"

namespace gordian::cli {
namespace {

int CheckCommand(Options options, const std::vector<std::string>& runs) {
  options.gate = true;
  auto outputs = Outputs::OpenWithoutRun(options, {getpid(), "check"});
  if (!outputs.has_value()) {
    return kExitGordian;
  }
  int exit_code = 0;
  auto report = LoadAndMark(runs, options, &exit_code);
  if (!report.has_value()) {
    return exit_code;
  }
  exit_code = GateExitCode(options, *report);
  return WriteReports(std::move(*report), &*outputs, exit_code);
}

}  // namespace

void RegisterCheck(CommandParser* line) {
  const auto runs = std::make_shared<std::vector<std::string>>();
  Subcommand check;
  check.name = "check";
  check.help = "decide over the findings of many runs, and whether they were seen whole";
  check.shared = SharedOptions::kGate;
  check.arguments = {{"RUN", "RUN", "runs kept with --out, JSON reports, or folders with them",
                      AddText(runs.get()), true, true}};
  check.run = [runs](Invocation invocation) { return CheckCommand(std::move(invocation.options), *runs); };
  line->Add(std::move(check));
}

}  // namespace gordian::cli
