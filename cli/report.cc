// `gordian report DIR`: judges a kept run again.
#include <sys/wait.h>
#include <unistd.h>

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
  Options given = options;
  given.out.clear();  // of a configuration file: it speaks of new runs
  auto outputs = Outputs::Open(given, STDOUT_FILENO, &why);
  if (!outputs.has_value()) {
    Message(why);
    return kExitGordian;
  }
  report::Report report = JudgeRun(*run, given, nullptr);
  bool failing = HasFailingFinding(report, given.fail_on);
  int exit_code = failing ? given.error_exitcode : 0;
  WriteReports(std::move(report), given, &*outputs, nullptr, exit_code);
  return exit_code;
}

}  // namespace gordian::cli
