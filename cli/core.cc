// `gordian core CORE`: the report of `gordian attach`, of a process that is over, from its core file.
#include <unistd.h>

#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/message.h"
#include "cli/outputs.h"
#include "cli/waits_report.h"
#include "libsync/inspect/core_survey.h"

namespace gordian::cli {
namespace {

struct CoreArguments {
  std::string core;
  std::string executable;  // empty: where the core says
  std::string sysroot;
};

int CoreCommand(const Options& options, const CoreArguments& arguments) {
  std::string why;
  const auto run = inspect::SurveyCore({arguments.core, arguments.executable, arguments.sysroot}, &why);
  if (!run.has_value()) {
    Message(absl::StrCat(arguments.core, " ", why));
    return kExitCannotInspect;
  }
  auto outputs = Outputs::OpenWithoutRun(options, {getpid(), arguments.core});
  if (!outputs.has_value()) {
    return kExitGordian;
  }
  return ReportWaits(*run, options, &*outputs);
}

}  // namespace

void RegisterCore(CommandParser* line) {
  const auto arguments = std::make_shared<CoreArguments>();
  Subcommand core;
  core.name = "core";
  core.help = "explain what the threads of a process waited for, by its core file";
  core.shared = SharedOptions::kReport;
  core.arguments = {
      {"CORE", "FILE", "the core file", SetText(&arguments->core), false, true},
      {"--exe", "FILE", "the program, where it lies elsewhere than in the core",
       SetText(&arguments->executable)},
      {"--sysroot", "DIR",
       "look for the program and its libraries below DIR: the core is of another machine or container",
       SetText(&arguments->sysroot)},
  };
  core.run = [arguments](const Invocation& invocation) {
    return CoreCommand(invocation.options, *arguments);
  };
  line->Add(std::move(core));
}

}  // namespace gordian::cli
