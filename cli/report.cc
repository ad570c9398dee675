// `gordian report DIR`: judges a kept run again.
#include <sys/wait.h>

#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/final_report.h"
#include "cli/message.h"
#include "cli/outputs.h"
#include "libsync/trace/reader.h"

namespace gordian::cli {

int ReportCommand(const Options& options, const std::string& directory) {
  std::string why;
  auto run = trace::ReadRun(directory, &why);
  if (!run.has_value()) {
    Message("cannot read the run in " + directory + ": " + why);
    return kExitCannotInspect;
  }
  auto outputs = Outputs::OpenWithoutRun(options);
  if (!outputs.has_value()) {
    return kExitGordian;
  }
  report::Report report = JudgeRun(*run, options, nullptr);
  bool failing = HasFailingFinding(report, options.fail_on);
  int exit_code = failing ? options.error_exitcode : 0;
  WriteReports(std::move(report), &*outputs, nullptr, exit_code);
  return exit_code;
}

}  // namespace gordian::cli
