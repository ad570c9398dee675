// The gordian command: reads the command line and hands over to a subcommand.
#include <fcntl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <deque>
#include <exception>
#include <string>
#include <vector>

#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/message.h"
#include "cli/signals.h"

namespace gordian::cli {
namespace {

constexpr const char kDefaultConfig[] = "gordian.conf";

// What CLI11 fills for the options of one subcommand. A deque: bound addresses must not move.
struct BoundOption {
  const OptionKey* key;
  std::vector<std::string> values;
  bool given = false;
};

class OptionBinder {
 public:
  OptionBinder(CLI::App* app, bool report) {
    for (const OptionKey& key : OptionKeys()) {
      if (report && !key.in_report) {
        continue;
      }
      BoundOption& bound = bound_.emplace_back(BoundOption{&key, {}, false});
      if (key.value[0] == '\0') {
        app->add_flag(key.flags, bound.given, key.help);
        continue;
      }
      CLI::Option* option = app->add_option(key.flags, bound.values, key.help)->type_name(key.value);
      option->expected(1)->allow_extra_args(false);
      option->multi_option_policy(key.repeatable ? CLI::MultiOptionPolicy::TakeAll
                                                 : CLI::MultiOptionPolicy::TakeLast);
    }
    app->add_option("--config", config_,
                    "read more options from FILE, one `key = value` a line (default: ./" +
                        std::string(kDefaultConfig) + ")")
        ->type_name("FILE");
  }

  // Configuration file first, command line on top. Returns what is wrong, empty if nothing.
  std::string Resolve(Options* options) const {
    std::string problem;
    if (!config_.empty()) {
      problem = ApplyConfigFile(config_, options);
    } else if (access(kDefaultConfig, F_OK) == 0) {
      problem = ApplyConfigFile(kDefaultConfig, options);
    }
    if (!problem.empty()) {
      return problem;
    }
    GivenOptions given;
    for (const BoundOption& bound : bound_) {
      if (bound.given) {
        given[bound.key->name] = {"true"};
      }
      if (!bound.values.empty()) {
        given[bound.key->name] = bound.values;
      }
    }
    return ApplyGiven(given, options);
  }

 private:
  std::deque<BoundOption> bound_;
  std::string config_;
};

// CLI11 knows `--` too, but a command's own `--` and options must reach it untouched: everything after the
// first `--` is set aside before CLI11 sees the line.
struct SplitLine {
  std::vector<std::string> own;
  std::vector<std::string> command;
  bool separated = false;
};

SplitLine Split(int argc, char** argv) {
  SplitLine line;
  for (int i = 1; i < argc; ++i) {
    if (!line.separated && std::strcmp(argv[i], "--") == 0) {
      line.separated = true;
    } else {
      (line.separated ? line.command : line.own).emplace_back(argv[i]);
    }
  }
  return line;
}

int UsageError(const std::string& what) {
  Message(what);
  return kExitUsage;
}

int Dispatch(SplitLine line) {
  CLI::App app("Gordian finds deadlocks, leaked locks, unjoined threads and zombie children in programs.",
               "gordian");
  app.set_version_flag("--version", std::string("gordian ") + GORDIAN_VERSION);
  app.require_subcommand(0, 1);

  CLI::App* run = app.add_subcommand("run", "run a program and report what goes wrong in it");
  run->footer("Write the program behind `--`: gordian run [OPTIONS] -- CMD [ARGS...]");
  run->prefix_command();
  OptionBinder run_options(run, false);

  CLI::App* report = app.add_subcommand("report", "report a run that was kept with --out DIR");
  OptionBinder report_options(report, true);
  std::string directory;
  report->add_option("DIR", directory, "the folder of the run")->required();

  TryOptions tries;
  CLI::App* confirm = app.add_subcommand(
      "confirm", "run a program again and steer it into the deadlocks that a run showed possible");
  confirm->footer("Write the program behind `--`: gordian confirm DIR [OPTIONS] -- CMD [ARGS...]");
  confirm->add_option("DIR", tries.directory, "the folder of a run that was kept with --out DIR")->required();
  confirm->add_option("--finding", tries.finding, "only the finding with this fingerprint")
      ->type_name("FINGERPRINT");
  confirm->add_option("--tries", tries.runs, "how often to try each finding (default 20)")->type_name("N");
  confirm
      ->add_option("-o", tries.output, "write the confirmed cycles to FILE, for `gordian run --avoid FILE`")
      ->type_name("FILE");
  CLI::App* hunt =
      app.add_subcommand("hunt", "run a program many times, each with other pauses, and collect findings");
  hunt->footer("Write the program behind `--`: gordian hunt [OPTIONS] -- CMD [ARGS...]");
  hunt->add_option("-n,--runs", tries.runs, "how many runs (default 20)")->type_name("RUNS");
  hunt->add_flag("--stop", tries.stop, "end with the first confirmed finding");
  for (CLI::App* command : {confirm, hunt}) {
    command
        ->add_option("--seed", tries.seed,
                     "the seed of the first run; the next has the next number (default 1)")
        ->type_name("S");
    command->add_option("--timeout", tries.timeout_seconds, "end a run after SEC seconds (default 60)")
        ->type_name("SEC");
    command
        ->add_option("--input", tries.input,
                     "what the program reads from stdin, each time anew (default: nothing)")
        ->type_name("FILE")
        ->check(CLI::ExistingFile);
    command->add_flag("--show-output", tries.show, "let the program's own output through");
  }

  CLI::App* attach = app.add_subcommand(
      "attach", "explain what running processes wait for, however they were started, without stopping them");
  OptionBinder attach_options(attach, true);
  AttachArguments attach_arguments;
  attach->add_option("PID", attach_arguments.pids, "the processes to look at")->check(CLI::PositiveNumber);
  attach->add_option("--tree", attach_arguments.trees, "also process PID and all that descend from it")
      ->type_name("PID")
      ->check(CLI::PositiveNumber);
  attach
      ->add_option("--cgroup", attach_arguments.cgroups,
                   "also all processes of a control group and those below it")
      ->type_name("PATH");
  attach->add_flag("--stop", attach_arguments.stop,
                   "stop threads that run or wait for a lock for a moment, for their exact stacks");

  CLI::App* core =
      app.add_subcommand("core", "explain what the threads of a process waited for, by its core file");
  OptionBinder core_options(core, true);
  CoreArguments core_arguments;
  core->add_option("CORE", core_arguments.core, "the core file")->required();
  core->add_option("--exe", core_arguments.executable,
                   "the program, where it lies elsewhere than in the core")
      ->type_name("FILE");
  core->add_option(
          "--sysroot", core_arguments.sysroot,
          "look for the program and its libraries below DIR: the core is of another machine or container")
      ->type_name("DIR");

  CLI::App* ps = app.add_subcommand("ps", "examine the process table: zombies, orphans, stuck processes");
  OptionBinder ps_options(ps, true);
  PsArguments ps_arguments;
  ps->add_flag("--zombies", ps_arguments.zombies, "only ended processes that nobody waited for");
  ps->add_flag("--orphans", ps_arguments.orphans, "only processes that outlived the one who started them");
  ps->add_flag("--stuck", ps_arguments.stuck, "only processes that sleep where no signal reaches them");
  ps->add_flag("--watch", ps_arguments.watch, "look again and again, and tell what has changed");

  CLI::App* doctor = app.add_subcommand("doctor", "tell what gordian will see here, and what it will not");
  doctor->footer("Of a program: gordian doctor -- CMD. Of a running process: gordian doctor -p PID");
  int32_t doctor_pid = 0;
  doctor->add_option("-p,--pid", doctor_pid, "a running process")
      ->type_name("PID")
      ->check(CLI::PositiveNumber);

  CLI::App* watch = app.add_subcommand("watch", "watch a program that started itself under the shim");
  watch->group("");
  WatchArguments watch_arguments;
  watch->add_option("--pid", watch_arguments.pid)->required();
  watch->add_option("--started", watch_arguments.started)->required();
  watch->add_option("--run", watch_arguments.run)->required();
  watch->add_option("--options", watch_arguments.options);

  std::reverse(line.own.begin(), line.own.end());  // the order in which CLI11 takes a vector
  try {
    app.parse(line.own);
  } catch (const CLI::Success& success) {
    return app.exit(success);
  } catch (const CLI::ParseError& error) {
    return UsageError(std::string(error.what()) + "; see `gordian --help`");
  }

  Options options;
  if (watch->parsed()) {
    return WatchCommand(watch_arguments);
  }
  if (report->parsed()) {
    if (line.separated) {
      return UsageError("`gordian report` takes a folder, not a command");
    }
    std::string problem = report_options.Resolve(&options);
    return problem.empty() ? ReportCommand(options, directory) : UsageError(problem);
  }
  if (attach->parsed()) {
    if (line.separated || (attach_arguments.pids.empty() && attach_arguments.trees.empty() &&
                           attach_arguments.cgroups.empty())) {
      return UsageError("attach: name a process by its number: gordian attach PID");
    }
    std::string problem = attach_options.Resolve(&options);
    return problem.empty() ? AttachCommand(options, attach_arguments) : UsageError(problem);
  }
  if (core->parsed()) {
    std::string problem =
        line.separated ? "core takes a file, not a command" : core_options.Resolve(&options);
    return problem.empty() ? CoreCommand(options, core_arguments) : UsageError(problem);
  }
  if (ps->parsed()) {
    std::string problem = line.separated ? "ps takes no command" : ps_options.Resolve(&options);
    return problem.empty() ? PsCommand(options, ps_arguments) : UsageError(problem);
  }
  if (doctor->parsed()) {
    if (doctor_pid > 0 && line.separated) {
      return UsageError("doctor: either a process or a command");
    }
    return DoctorCommand(doctor_pid, line.command);
  }
  if (confirm->parsed() || hunt->parsed()) {
    if (line.command.empty()) {
      return UsageError("no command; write it behind `--`");
    }
    return confirm->parsed() ? ConfirmCommand(tries, line.command) : HuntCommand(tries, line.command);
  }
  if (!run->parsed()) {
    return UsageError("say what to do: `gordian run -- CMD ARGS...`; see `gordian --help`");
  }
  std::vector<std::string> command = run->remaining();
  if (!command.empty() && (line.separated || command[0].starts_with("-"))) {
    return UsageError("run: unknown option or argument '" + command[0] + "' before `--`");
  }
  if (line.separated) {
    command = line.command;
  }
  if (command.empty()) {
    return UsageError("run: no command; write `gordian run [OPTIONS] -- CMD ARGS...`");
  }
  std::string problem = run_options.Resolve(&options);
  return problem.empty() ? RunCommand(options, command) : UsageError(problem);
}

// Where gordian was started with one of 0, 1 and 2 closed, a file that it opens would become its standard
// output. The program that it runs finds them closed as they were.
void HoldStandardDescriptors() {
  int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
  while (fd >= 0 && fd <= STDERR_FILENO) {
    fd = open("/dev/null", O_RDWR | O_CLOEXEC);
  }
  if (fd >= 0) {
    close(fd);
  }
}

}  // namespace
}  // namespace gordian::cli

int main(int argc, char** argv) {
  gordian::cli::HoldStandardDescriptors();
  try {
    gordian::cli::RememberArguments(argc, argv);
    return gordian::cli::Dispatch(gordian::cli::Split(argc, argv));
  } catch (const std::exception& failure) {
    // Out of memory, most likely. A program that runs already goes on.
    std::fprintf(stderr, "gordian: %s\n", failure.what());
    return gordian::cli::kExitGordian;
  }
}
