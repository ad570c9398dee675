// The command line: subcommands, each of which registers itself, and what they share. It knows CLI11, so that
// nobody else has to.
//
// Thread safety: none; made once, in main().
#ifndef GORDIAN_CLI_COMMAND_LINE_H_
#define GORDIAN_CLI_COMMAND_LINE_H_

#include <functional>
#include <string>
#include <vector>

#include "cli/options.h"

namespace gordian::cli {

// Takes a value. Returns what is wrong with it, empty if nothing.
using SetValue = std::function<std::string(const std::string& value)>;

// One option, or with a name without dashes one argument in its place.
struct Argument {
  std::string flags;  // "--stop", "-p,--pid", "PID"
  std::string
      value;  // what to call its value in help; empty: a switch, which `set` is called for with "true"
  std::string help;
  SetValue set;
  bool repeatable = false;
  bool required = false;
};

// What was found on the command line and in the configuration file.
struct Invocation {
  Options options;                   // where the subcommand shares them
  std::vector<std::string> command;  // behind `--`
  bool has_command = false;          // there was a `--`, or for `run` a command without one
};

enum class SharedOptions { kNone, kReport, kGate, kRun };
enum class TakesCommand {
  kNo,
  kOptional,   // behind `--`
  kRequired,   // behind `--`
  kWithoutToo  // `gordian run ls` as well
};

struct Subcommand {
  std::string name;
  std::string help;
  std::string footer;
  SharedOptions shared = SharedOptions::kNone;
  TakesCommand command = TakesCommand::kNo;
  std::vector<Argument> arguments;
  std::function<int(Invocation invocation)> run;
  bool hidden = false;
  int without_proc = 0;  // how it ends where there is no /proc; 0: it can do without
};

// One subcommand as help tells of it: its own options and those that it shares.
struct OptionText {
  std::string flags;  // as in Argument
  std::string value;
  std::string help;
};
struct SubcommandText {
  std::string name;
  std::string help;
  std::string footer;
  TakesCommand command = TakesCommand::kNo;
  std::vector<OptionText> options;
};

class CommandParser {
 public:
  void Add(Subcommand subcommand) { subcommands_.push_back(std::move(subcommand)); }
  // All that are not hidden, in the order of the help.
  std::vector<SubcommandText> Describe() const;
  // Parses, and runs the subcommand. Returns the exit code of gordian.
  int Run(int argc, char** argv) const;

 private:
  std::vector<Subcommand> subcommands_;
};

// "; did you mean run?", or nothing where no known word is near.
std::string DidYouMean(const std::string& word, const std::vector<std::string>& known);

// Setters for arguments.
SetValue SetText(std::string* text);
SetValue AddText(std::vector<std::string>* texts);
SetValue SetTrue(bool* flag);
SetValue SetPid(int32_t* pid);
SetValue AddPid(std::vector<int32_t>* pids);
SetValue SetNumber(uint64_t* number);
SetValue SetPositive(uint64_t* number);

}  // namespace gordian::cli

#endif  // GORDIAN_CLI_COMMAND_LINE_H_
