// `gordian run -- CMD`: prepares everything that can fail, starts CMD, follows it to its end, reports.
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <optional>

#include "absl/strings/str_cat.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/file_util.h"
#include "cli/final_report.h"
#include "cli/launch.h"
#include "cli/message.h"
#include "cli/outputs.h"
#include "cli/plan.h"
#include "cli/preload.h"
#include "cli/run_folder.h"
#include "cli/run_loop.h"
#include "cli/signals.h"
#include "cli/watch/unseen.h"
#include "cli/watch/watcher.h"

namespace gordian::cli {
namespace {

int ExecFailed(const std::string& command, int error) {
  Message("cannot run '" + command +
          "': " + (error == ENOENT ? "No such file or directory" : std::strerror(error)));
  return error == ENOENT ? kExitNotFound : kExitNotExecutable;
}

void TellAvoided(const trace::Run& run, const Outputs& outputs) {
  uint64_t avoided = 0;
  for (const trace::Process& process : run.processes) {
    avoided += process.counters.avoided;
  }
  outputs.Text(absl::StrCat("gordian: --avoid: ", avoided, avoided == 1 ? " thread" : " threads",
                            " waited for another to leave a known deadlock's way\n"));
}

// The ending of gordian; `report` decides whether an exit code 0 stays one.
Ending Conclude(const Options& options, Watcher* watcher, const RunLoop& loop, Outputs* outputs) {
  trace::Run run = watcher->Finish(loop.root_status());
  std::string why;
  if (!outputs->out().empty() && !trace::WriteRunInfo(run, outputs->out(), &why)) {
    run.lost.push_back("the run was not kept whole: " + why);
  }
  report::Report report = JudgeRun(run, options, &watcher->live_report());
  Ending ending =
      DecideEnding(loop.root_status(), loop.ended_by(), HasFailingFinding(report, options.fail_on), options);
  if (ending.exit_code == 0 && !report.failures.empty()) {
    ending = {kExitExpectation, 0};
  }
  report.exit_code = ending.exit_code;
  report.snapshot = watcher->dumped();
  if (!WriteFiles(&report, outputs)) {
    ending = WithoutReport(ending, loop.root_status(), loop.ended_by());
    report.exit_code = ending.exit_code;
  }
  if (!WriteText(std::move(report), *outputs, &watcher->live_report())) {
    ending = WithoutReport(ending, loop.root_status(), loop.ended_by());
  }
  if (!options.avoid.empty()) {
    TellAvoided(run, *outputs);
  }
  return ending;
}

bool HasPlan(const Options& options) {
  return options.perturb.has_value() || !options.avoid.empty() || !options.plan.empty();
}

// Empty, or what is wrong.
std::string MakePlan(const Options& options, const std::string& path) {
  Plan plan;
  if (!options.plan.empty()) {
    return CopyFile(options.plan, path, trace::kMostPlanBytes) ? "" : ErrnoText(options.plan);
  }
  if (options.perturb.has_value()) {
    plan.wishes |= trace::kDisturb;
    plan.seed = *options.perturb;
  }
  if (!options.avoid.empty()) {
    plan.wishes |= trace::kAvoid;
    std::string problem = ReadCycles(options.avoid, &plan.cycles);
    if (!problem.empty()) {
      return "--avoid: " + problem;
    }
  }
  return WritePlan(plan, path);
}

// Everything that lives as long as the run; its destructors remove the folders before gordian ends.
Ending RunAndReport(const Options& options, const std::vector<std::string>& command,
                    const InheritedDescriptors& descriptors) {
  std::string why;
  auto before_start = [&] {
    Message(why);
    return Ending{kExitGordian, 0};
  };
  std::string shim = FindShim(&why);
  if (shim.empty()) {
    return before_start();
  }
  const std::string check_free = options.check_free ? FindCheckFree(shim, &why) : "";
  if (options.check_free && check_free.empty()) {
    return before_start();
  }
  auto outputs = Outputs::Open(options, {getpid(), command[0]}, STDERR_FILENO, &why);
  if (!outputs.has_value()) {
    return before_start();
  }
  auto folder = RunFolder::Create(RunFolder::Use::kTraces, &why);
  if (!folder.has_value()) {
    return before_start();
  }

  PreloadPlan plan{shim, FindExecutable(command[0]), folder->path(), folder->drop(), "", check_free};
  if (HasPlan(options)) {
    plan.plan = folder->path() + "/plan";
    why = MakePlan(options, plan.plan);
    if (!why.empty()) {
      Message(why);
      return {kExitUsage, 0};
    }
  }
  std::string unrecordable = plan.program.empty() ? "" : WhyNotRecordable(plan.program);
  if (!unrecordable.empty()) {
    plan.shim.clear();
  }

  InheritedSignals signals = TakeSignals();
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  Sentinel sentinel;
  if (!sentinel.Start()) {
    why = ErrnoText("cannot make a process");
    return before_start();
  }
  Watcher watcher({&options, &*folder, &*outputs, getpid(), {sentinel.pid()}, shim, descriptors.targets()});
  Launched launched = Launch(
      command, [&] { return ProgramEnvironment(plan, options); }, signals);
  if (launched.exec_error != 0) {
    return {ExecFailed(command[0], launched.exec_error), 0};
  }
  descriptors.Release();
  watcher.SetRoot({launched.pid, StartTicks(launched.pid)}, command);
  if (!unrecordable.empty()) {
    watcher.SetRootUnseen(unrecordable);
  }

  RunLoop loop(options, &watcher, &sentinel, &*outputs);
  loop.Run();
  return Conclude(options, &watcher, loop, &*outputs);
}

// May not return: the signal that ended CMD is raised again.
int RunCommand(const Options& options, const std::vector<std::string>& command) {
  if (IsInsideAnotherRun() && !options.quiet) {
    Message("this runs inside another gordian: what CMD starts is recorded and reported here, and not there");
  }
  InheritedDescriptors descriptors = InheritedDescriptors::List();
  EndAs(RunAndReport(options, command, descriptors));
}

}  // namespace

void RegisterRun(CommandParser* line) {
  Subcommand run;
  run.name = "run";
  run.help = "run a program and report what goes wrong in it";
  run.footer = "Write the program behind `--`: gordian run [OPTIONS] -- CMD [ARGS...]";
  run.shared = SharedOptions::kRun;
  run.command = TakesCommand::kWithoutToo;
  run.run = [](const Invocation& invocation) { return RunCommand(invocation.options, invocation.command); };
  run.without_proc = kExitGordian;
  line->Add(std::move(run));
}

}  // namespace gordian::cli
