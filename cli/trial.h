// One run of a program among many, by `gordian run` in a process of its own: what confirm and hunt are made
// of.
//
// Thread safety: none.
#ifndef GORDIAN_CLI_TRIAL_H_
#define GORDIAN_CLI_TRIAL_H_

#include <csignal>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/command_line.h"
#include "cli/options.h"
#include "cli/plan.h"
#include "cli/run_folder.h"
#include "libsync/trace/run.h"

namespace gordian::cli {

// What `gordian confirm` and `gordian hunt` take besides a command and the options of a report.
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
  Options report;
};

// The arguments that both have.
std::vector<Argument> TryArguments(TryOptions* options);

// A folder for the files of all trials, removed with it; of a gordian that was killed, by the next one. While
// there is one, SIGINT, SIGTERM and SIGHUP do not end gordian: they end the trial.
class TrialFolder {
 public:
  // What is wrong, if it is not valid.
  explicit TrialFolder(std::string* why);
  ~TrialFolder();
  TrialFolder(const TrialFolder&) = delete;
  bool valid() const { return folder_.has_value(); }
  const std::string& path() const { return folder_->path(); }
  const sigset_t& mask_before() const { return mask_before_; }

 private:
  const sigset_t mask_before_;  // first: no signal comes between it and the folder
  std::optional<RunFolder> folder_;
};

struct Trial {
  std::optional<trace::Run> run;  // nullopt: there is none to judge
  int status = 0;                 // of `gordian run`, as wait(2) gives it
  int interrupted_by = 0;         // the signal by which somebody ended all trials
  std::string problem;            // why there is no run
  // How `gordian run` ended it, if it did.
  bool ended_for_deadlock() const;
  bool ended_by_timeout() const;
};

// Runs the command once under the plan; a deadlock ends it at once. The program gets the input of the
// options, and its output goes where gordian's goes only where that was asked for.
Trial RunTrial(const Plan& plan, const TryOptions& options, const std::vector<std::string>& command,
               const TrialFolder& folder);

// True: the program could not be started at all, or somebody ended it, and gordian ends with this code.
bool IsOver(const Trial& trial, int* exit_code);

// How the program is run again by hand: "-- CMD ARGS", quoted for a shell.
std::string ShellCommand(const std::vector<std::string>& command);
// " --input FILE", or nothing.
std::string InputOption(const TryOptions& options);
// " < FILE", or nothing.
std::string InputRedirection(const TryOptions& options);

}  // namespace gordian::cli

#endif  // GORDIAN_CLI_TRIAL_H_
