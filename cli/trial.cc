#include "cli/trial.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <cstring>
#include <filesystem>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "cli/exit_code.h"
#include "cli/message.h"
#include "libsync/trace/reader.h"

extern char** environ;

namespace gordian::cli {
namespace {

constexpr char kSafe[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./=:,+@%";

// Of `gordian run`, where nothing else changes the exit code.
constexpr int kExitForDeadlock = 66;

constexpr int kEndingSignals[] = {SIGINT, SIGTERM, SIGHUP};

// Those that would end gordian, and that its child is over.
sigset_t AwaitedSignals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGCHLD);
  for (const int signal : kEndingSignals) {
    struct sigaction action {};
    sigaction(signal, nullptr, &action);
    if (action.sa_handler != SIG_IGN) {  // of nohup, for one
      sigaddset(&set, signal);
    }
  }
  return set;
}

sigset_t BlockAwaitedSignals() {
  const sigset_t awaited = AwaitedSignals();
  sigset_t before;
  sigprocmask(SIG_BLOCK, &awaited, &before);
  return before;
}

// Hands on what ends gordian: from the terminal the child has it already, and a second one goes the same way.
// Returns the wait status.
int AwaitEnd(pid_t pid, int* interrupted_by) {
  const sigset_t awaited = AwaitedSignals();
  int status = 0;
  for (pid_t ended = 0; (ended = waitpid(pid, &status, WNOHANG)) == 0 || (ended < 0 && errno == EINTR);) {
    siginfo_t info{};
    const int signal = sigwaitinfo(&awaited, &info);
    if (signal > 0 && signal != SIGCHLD) {
      *interrupted_by = signal;
      if (info.si_code != SI_KERNEL) {
        kill(pid, signal);
      }
      kill(pid, SIGCONT);  // it stops with its program
    }
  }
  return status;
}

// Of the child, or a negative error.
int Spawn(const std::vector<std::string>& arguments, const TryOptions& options, const sigset_t& mask,
          int* interrupted_by) {
  std::vector<char*> argv;
  argv.reserve(arguments.size() + 1);
  for (const std::string& argument : arguments) {
    argv.push_back(const_cast<char*>(argument.c_str()));
  }
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO,
                                   options.input.empty() ? "/dev/null" : options.input.c_str(), O_RDONLY, 0);
  if (!options.show) {
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  }
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  posix_spawnattr_setsigmask(&attributes, &mask);
  pid_t pid = -1;
  const int error = posix_spawn(&pid, "/proc/self/exe", &actions, &attributes, argv.data(), environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  return error != 0 ? -error : AwaitEnd(pid, interrupted_by);
}

std::string ShellWord(const std::string& word) {
  return !word.empty() && word.find_first_not_of(kSafe) == std::string::npos
             ? word
             : absl::StrCat("'", absl::StrReplaceAll(word, {{"'", "'\\''"}}), "'");
}

std::string SetTimeout(const std::string& value, double* seconds) {
  const bool is_time =
      absl::SimpleAtod(value, seconds) && std::isfinite(*seconds) && *seconds > 0 && *seconds <= 1e9;
  return is_time ? "" : absl::StrCat("'", value, "' is not a number of seconds above 0");
}

std::string SetInput(const std::string& value, std::string* input) {
  *input = value;
  return access(value.c_str(), R_OK) == 0 ? "" : ErrnoText(value);
}

}  // namespace

std::vector<Argument> TryArguments(TryOptions* options) {
  return {
      {"--seed", "S", "the seed of the first run; the next has the next number (default 1)",
       SetNumber(&options->seed)},
      {"--timeout", "SEC", "end a run after SEC seconds (default 60)",
       [options](const std::string& value) { return SetTimeout(value, &options->timeout_seconds); }},
      {"--input", "FILE", "what the program reads from stdin, each time anew (default: nothing)",
       [options](const std::string& value) { return SetInput(value, &options->input); }},
      {"--show-output", "", "let the program's own output through", SetTrue(&options->show)},
  };
}

TrialFolder::TrialFolder(std::string* why)
    : mask_before_(BlockAwaitedSignals()), folder_(RunFolder::Create(RunFolder::Use::kTrials, why)) {}

TrialFolder::~TrialFolder() {
  folder_.reset();
  sigprocmask(SIG_SETMASK, &mask_before_, nullptr);
}

bool Trial::ended_for_deadlock() const {
  // With --fail-on=never no finding alone makes this code.
  return run.has_value() && run->ended_by_gordian && WIFEXITED(status) &&
         WEXITSTATUS(status) == kExitForDeadlock;
}

bool Trial::ended_by_timeout() const {
  return run.has_value() && run->ended_by_gordian && WIFEXITED(status) &&
         WEXITSTATUS(status) == kExitWatchdog;
}

Trial RunTrial(const Plan& plan, const TryOptions& options, const std::vector<std::string>& command,
               const TrialFolder& folder) {
  Trial trial;
  const std::string file = folder.path() + "/plan";
  const std::string out = folder.path() + "/run";
  std::error_code ignored;
  std::filesystem::remove(file, ignored);
  std::filesystem::remove_all(out, ignored);
  trial.problem = WritePlan(plan, file);
  if (!trial.problem.empty()) {
    return trial;
  }
  std::vector<std::string> arguments = {"gordian",
                                        "run",
                                        "--config",
                                        "/dev/null",
                                        "--on-deadlock=kill-tree",
                                        "--fail-on=never",
                                        "--out",
                                        out,
                                        "--text",
                                        "/dev/null",
                                        "--plan",
                                        file,
                                        absl::StrCat("--kill-after=", options.timeout_seconds),
                                        absl::StrCat("--grace-ms=", options.report.grace_ms),
                                        "--"};
  arguments.insert(arguments.end(), command.begin(), command.end());
  trial.status = Spawn(arguments, options, folder.mask_before(), &trial.interrupted_by);
  if (trial.status < 0) {
    trial.problem = absl::StrCat("cannot start gordian run: ", std::strerror(-trial.status));
    return trial;
  }
  trial.run = trace::ReadRun(out, &trial.problem);
  return trial;
}

bool IsOver(const Trial& trial, int* exit_code) {
  if (trial.interrupted_by != 0) {
    *exit_code = 128 + trial.interrupted_by;
    Message(absl::StrCat("ended by ", strsignal(trial.interrupted_by)));
    return true;
  }
  if (trial.run.has_value()) {
    return false;
  }
  Message(absl::StrCat("cannot run the program: ", trial.problem));
  *exit_code = trial.status > 0 && WIFEXITED(trial.status) ? WEXITSTATUS(trial.status) : kExitGordian;
  return true;
}

std::string ShellCommand(const std::vector<std::string>& command) {
  return absl::StrCat("-- ", absl::StrJoin(command, " ", [](std::string* out, const std::string& word) {
                        out->append(ShellWord(word));
                      }));
}

std::string InputOption(const TryOptions& options) {
  return options.input.empty() ? "" : " --input " + ShellWord(options.input);
}

std::string InputRedirection(const TryOptions& options) {
  return options.input.empty() ? "" : " < " + ShellWord(options.input);
}

}  // namespace gordian::cli
