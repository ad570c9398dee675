#include "cli/trial.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "cli/exit_code.h"
#include "libsync/trace/reader.h"

extern char** environ;

namespace gordian::cli {
namespace {

constexpr char kSafe[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./=:,+@%";

// Of `gordian run`, where nothing else changes the exit code.
constexpr int kExitForDeadlock = 66;

int Spawn(const std::vector<std::string>& arguments, const TryOptions& options) {
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
  pid_t pid = -1;
  const int error = posix_spawn(&pid, "/proc/self/exe", &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  int status = 0;
  if (error != 0) {
    return -error;
  }
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

std::string ShellWord(const std::string& word) {
  return !word.empty() && word.find_first_not_of(kSafe) == std::string::npos
             ? word
             : absl::StrCat("'", absl::StrReplaceAll(word, {{"'", "'\\''"}}), "'");
}

}  // namespace

TrialFolder::TrialFolder() {
  const char* base = getenv("TMPDIR");
  std::string name = absl::StrCat(base == nullptr || base[0] == '\0' ? "/tmp" : base, "/gordian-XXXXXX");
  if (mkdtemp(name.data()) != nullptr) {
    path_ = name;
  }
}

TrialFolder::~TrialFolder() {
  if (valid()) {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
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
                                        "--on-deadlock=kill",
                                        "--fail-on=never",
                                        "--out",
                                        out,
                                        "--text",
                                        "/dev/null",
                                        "--plan",
                                        file,
                                        absl::StrCat("--kill-after=", options.timeout_seconds),
                                        "--"};
  arguments.insert(arguments.end(), command.begin(), command.end());
  trial.status = Spawn(arguments, options);
  if (trial.status < 0) {
    trial.problem = absl::StrCat("cannot start gordian run: ", std::strerror(-trial.status));
    return trial;
  }
  trial.run = trace::ReadRun(out, &trial.problem);
  return trial;
}

bool CouldNotStart(const Trial& trial, int* exit_code) {
  if (trial.run.has_value()) {
    return false;
  }
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
