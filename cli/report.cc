// `gordian report DIR`: judges a kept run again.
#include <unistd.h>

#include <memory>
#include <utility>

#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/final_report.h"
#include "cli/gate.h"
#include "cli/message.h"
#include "cli/outputs.h"
#include "libsync/trace/reader.h"

namespace gordian::cli {
namespace {

int ReportCommand(const Options& options, const std::string& directory) {
  std::string why;
  auto run = trace::ReadRun(directory, &why);
  if (!run.has_value()) {
    Message("cannot read the run in " + directory + ": " + why);
    return kExitCannotInspect;
  }
  auto outputs = Outputs::OpenWithoutRun(options, {getpid(), directory});
  if (!outputs.has_value()) {
    return kExitGordian;
  }
  report::Report report = JudgeRun(*run, options, nullptr);
  const int exit_code = GateExitCode(options, report);
  return WriteReports(std::move(report), &*outputs, exit_code);
}

}  // namespace

void RegisterReport(CommandParser* line) {
  const auto directory = std::make_shared<std::string>();
  Subcommand report;
  report.name = "report";
  report.help = "report a run that was kept with --out DIR";
  report.shared = SharedOptions::kReport;
  report.arguments = {{"DIR", "DIR", "the folder of the run", SetText(directory.get()), false, true}};
  report.run = [directory](const Invocation& invocation) {
    return ReportCommand(invocation.options, *directory);
  };
  line->Add(std::move(report));
}

}  // namespace gordian::cli
