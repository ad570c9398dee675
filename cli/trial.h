// One run of a program among many, by `gordian run` in a process of its own: what confirm and hunt are made
// of.
//
// Thread safety: none.
#ifndef GORDIAN_CLI_TRIAL_H_
#define GORDIAN_CLI_TRIAL_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/commands.h"
#include "cli/plan.h"
#include "libsync/trace/run.h"

namespace gordian::cli {

// A folder for the files of all trials, removed with it.
class TrialFolder {
 public:
  TrialFolder();
  ~TrialFolder();
  TrialFolder(const TrialFolder&) = delete;
  bool valid() const { return !path_.empty(); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

struct Trial {
  std::optional<trace::Run> run;  // nullopt: there is none to judge
  int status = 0;                 // of `gordian run`, as wait(2) gives it
  std::string problem;            // why there is no run
  // How `gordian run` ended it, if it did.
  bool ended_for_deadlock() const;
  bool ended_by_timeout() const;
};

// Runs the command once under the plan; a deadlock ends it at once. The program gets the input of the
// options, and its output goes where gordian's goes only where that was asked for.
Trial RunTrial(const Plan& plan, const TryOptions& options, const std::vector<std::string>& command,
               const TrialFolder& folder);

// True: the program could not be started at all, and gordian ends with this code.
bool CouldNotStart(const Trial& trial, int* exit_code);

// How the program is run again by hand: "-- CMD ARGS", quoted for a shell.
std::string ShellCommand(const std::vector<std::string>& command);
// " --input FILE", or nothing.
std::string InputOption(const TryOptions& options);
// " < FILE", or nothing.
std::string InputRedirection(const TryOptions& options);

}  // namespace gordian::cli

#endif  // GORDIAN_CLI_TRIAL_H_
