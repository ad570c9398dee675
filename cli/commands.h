// The subcommands: each takes its parsed arguments and returns the exit code of gordian.
#ifndef GORDIAN_CLI_COMMANDS_H_
#define GORDIAN_CLI_COMMANDS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "cli/options.h"

namespace gordian::cli {

// `gordian run -- CMD ARGS...`. May not return: the signal that ended CMD is raised again.
int RunCommand(const Options& options, const std::vector<std::string>& command);

// `gordian report DIR`.
int ReportCommand(const Options& options, const std::string& directory);

// `gordian attach PID...`.
struct AttachArguments {
  std::vector<int32_t> pids;
  std::vector<int32_t> trees;  // with all that descends from them
  std::vector<std::string> cgroups;
  bool stop = false;
};
int AttachCommand(const Options& options, const AttachArguments& arguments);

// `gordian core CORE`.
struct CoreArguments {
  std::string core;
  std::string executable;  // empty: where the core says
  std::string sysroot;
};
int CoreCommand(const Options& options, const CoreArguments& arguments);

// `gordian ps`. None of the three: all.
struct PsArguments {
  bool zombies = false;
  bool orphans = false;
  bool stuck = false;
  bool watch = false;
};
int PsCommand(const Options& options, const PsArguments& arguments);

// `gordian doctor [-p PID | -- CMD]`. pid 0 and no command: this machine alone.
int DoctorCommand(int32_t pid, const std::vector<std::string>& command);

// What `gordian confirm` and `gordian hunt` take besides a command.
struct TryOptions {
  std::string directory;  // confirm: the kept run
  std::string finding;    // confirm: the fingerprint, or its beginning; empty: all
  std::string output;     // confirm -o; empty: none
  std::string input;      // what the program reads from stdin, each time anew; empty: nothing
  uint64_t runs = 20;
  uint64_t seed = 1;
  double timeout_seconds = 60;  // of one run
  bool stop = false;            // hunt: end with the first confirmed finding
  bool show = false;            // let the program's own output through
};
int ConfirmCommand(const TryOptions& options, const std::vector<std::string>& command);
int HuntCommand(const TryOptions& options, const std::vector<std::string>& command);

// `gordian watch`, which the shim starts for a program that has nothing but LD_PRELOAD.
struct WatchArguments {
  int32_t pid = 0;
  uint64_t started = 0;  // in ticks after boot: the process may be gone before anybody can look
  std::string run;
  std::string options;  // the value of GORDIAN_OPTIONS as the user wrote it
};
int WatchCommand(const WatchArguments& arguments);

}  // namespace gordian::cli

#endif  // GORDIAN_CLI_COMMANDS_H_
