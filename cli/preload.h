// What stands in LD_PRELOAD and GORDIAN_OPTIONS of the program: the only two variables that gordian changes.
//
// Thread safety: functions without shared state.
#ifndef GORDIAN_CLI_PRELOAD_H_
#define GORDIAN_CLI_PRELOAD_H_

#include <string>
#include <vector>

#include "cli/options.h"

namespace gordian::cli {

inline constexpr char kShimName[] = "libgordian_preload.so";
inline constexpr char kCheckFreeName[] = "libgordian_check_free.so";

// The shim that belongs to this gordian: beside it in a build folder or below an install prefix. Empty, and
// `why`: there is none, or its path cannot stand in LD_PRELOAD.
std::string FindShim(std::string* why);

// What hooks free for --check-free: beside the shim. Empty, and `why`: it is not there.
std::string FindCheckFree(const std::string& shim, std::string* why);

// The file that execvp would run, empty if it finds none.
std::string FindExecutable(const std::string& command);

// This process was started by a program that another gordian records.
bool IsInsideAnotherRun();

// The environment of the program. `shim` empty: leave LD_PRELOAD as it is.
struct PreloadPlan {
  std::string shim;
  std::string program;  // FindExecutable(): its dynamic libasan, if any, must come first
  std::string run;
  std::string drop;
  std::string plan = "";        // empty: none
  std::string check_free = "";  // FindCheckFree(); empty: not asked for
};
// To be called in the program's process: with --no-children its pid is part of it.
std::vector<std::string> ProgramEnvironment(const PreloadPlan& plan, const Options& options);

// The value of GORDIAN_OPTIONS: ours, then those of the user's entries that we do not set.
std::string ShimOptions(const PreloadPlan& plan, const Options& options, const std::string& users);

}  // namespace gordian::cli

#endif  // GORDIAN_CLI_PRELOAD_H_
