// `gordian core CORE`: the report of `gordian attach`, of a process that is over, from its core file.
#include <string>

#include "absl/strings/str_cat.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/message.h"
#include "cli/outputs.h"
#include "cli/waits_report.h"
#include "libsync/inspect/core_survey.h"

namespace gordian::cli {

int CoreCommand(const Options& options, const CoreArguments& arguments) {
  std::string why;
  const auto run = inspect::SurveyCore({arguments.core, arguments.executable, arguments.sysroot}, &why);
  if (!run.has_value()) {
    Message(absl::StrCat(arguments.core, " ", why));
    return kExitCannotInspect;
  }
  auto outputs = Outputs::OpenWithoutRun(options);
  if (!outputs.has_value()) {
    return kExitGordian;
  }
  return ReportWaits(*run, options, &*outputs);
}

}  // namespace gordian::cli
