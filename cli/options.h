// The options of `gordian run`: one table serves the command line, the configuration file and the
// GORDIAN_OPTIONS string of a watcher, so that a key means the same everywhere.
//
// Thread safety: plain data and functions without shared state.
#ifndef GORDIAN_CLI_OPTIONS_H_
#define GORDIAN_CLI_OPTIONS_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "reports/report.h"

namespace gordian::cli {

class KnownFindings;

enum class OnDeadlock { kReport, kKill, kKillTree, kCore };
enum class FailOn { kError, kWarning, kConfirmed, kAny, kNever };
enum class Color { kAuto, kAlways, kNever };

struct Options {
  std::map<std::string, std::string> files;  // file names by the name of a report::Format
  std::string text;                          // file names; empty: not asked for
  std::string out;
  OnDeadlock on_deadlock = OnDeadlock::kReport;
  std::optional<double> dump_after;  // seconds
  std::optional<double> kill_after;
  uint64_t grace_ms = 2000;
  std::optional<uint64_t> hold_ms;  // nullopt: trace::kDefaultHoldMs, and only of what blocks
  std::optional<uint64_t> wait_ms;
  bool check_free = false;
  bool profile = false;
  FailOn fail_on = FailOn::kError;
  int error_exitcode = 66;
  std::vector<std::string> only;
  std::vector<std::string> skip;
  std::vector<std::string> wrappers;
  std::vector<std::string> suppressions;       // file names
  std::string baseline;                        // file name; empty: none
  std::optional<uint64_t> expect_processes;    // at least so many must be recorded
  std::optional<double> require_coverage;      // percent of the processes
  bool gate = false;                           // what was not seen whole fails, whatever else is asked for
  std::string source_root;                     // empty: by the surroundings
  std::shared_ptr<const KnownFindings> known;  // what those files say, once they are read
  bool children = true;
  Color color = Color::kAuto;
  report::TextFormat format = report::TextFormat::kFull;
  bool quiet = false;
  bool verbose = false;
  bool redact = true;
  bool explain_pruned = false;
  std::optional<uint64_t> perturb;  // seed
  std::string avoid;                // file names; empty: not asked for
  std::string plan;

  int Verbosity() const { return quiet ? -1 : verbose ? 1 : 0; }
};

// One option: its name without dashes, how it takes a value, and what that does.
struct OptionKey {
  const char* name;
  const char* flags;  // as on the command line: "--quiet,-q"
  const char* value;  // what to call its value in help; empty: a switch, which takes true or false
  const char* help;
  bool repeatable;
  bool in_report;  // also an option of `gordian report`
  // Returns what is wrong with the value, empty if nothing.
  std::string (*set)(Options* options, const std::string& value);
};

std::span<const OptionKey> OptionKeys();

// The key of this name, '_' and '-' alike; nullptr if there is none.
const OptionKey* FindOptionKey(const std::string& name);

// Applies every `key = value` line of a configuration file. Returns one line naming file and line number when
// a line is wrong or the file cannot be read, else an empty string.
std::string ApplyConfigFile(const std::string& path, Options* options);

// The values of one option given on the command line; they replace those of the configuration file.
using GivenOptions = std::map<std::string, std::vector<std::string>>;
std::string ApplyGiven(const GivenOptions& given, Options* options);

}  // namespace gordian::cli

#endif  // GORDIAN_CLI_OPTIONS_H_
