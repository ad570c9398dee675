// The exit codes of gordian and the policy behind that of `run`.
#ifndef GORDIAN_CLI_EXIT_CODE_H_
#define GORDIAN_CLI_EXIT_CODE_H_

#include <optional>
#include <span>

#include "cli/options.h"
#include "reports/report.h"

namespace gordian::cli {

inline constexpr int kExitUsage = 2;
inline constexpr int kExitCannotInspect = 3;
inline constexpr int kExitExpectation = 4;  // a run is missing, or was not seen as it was expected
inline constexpr int kExitKnown = 5;        // suppressions or a baseline that cannot be read
inline constexpr int kExitWatchdog = 124;
inline constexpr int kExitGordian = 125;  // gordian failed: before the program started, or to write a report
inline constexpr int kExitNotExecutable = 126;
inline constexpr int kExitNotFound = 127;

// The exit codes as the manual page tells of them.
struct ExitStatus {
  const char* codes;
  const char* meaning;
};
std::span<const ExitStatus> ExitStatuses();

// How gordian itself ends: with an exit code, or by the signal that ended the program.
struct Ending {
  int exit_code = 0;  // as a shell sees it: 128 + signal if `signal` is set
  int signal = 0;
};

// Whether this finding is one that --fail-on asks for.
bool IsFailing(const report::ReportFinding& finding, FailOn fail_on);

// Whether a finding of this report is one that --fail-on asks for.
bool HasFailingFinding(const report::Report& report, FailOn fail_on);

enum class EndedBy { kItself, kDeadlockKill, kWatchdog };

// `status` as wait(2) gives it.
Ending DecideEnding(int status, EndedBy ended_by, bool failing, const Options& options);

// The same, of a gordian whose report could not be written: a program that failed itself still says so.
Ending WithoutReport(const Ending& ending, int status, EndedBy ended_by);

// Ends this process that way. A signal is raised again without a core file: the program's own is the one
// that tells something.
[[noreturn]] void EndAs(const Ending& ending);

}  // namespace gordian::cli

#endif  // GORDIAN_CLI_EXIT_CODE_H_
