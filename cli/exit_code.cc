#include "cli/exit_code.h"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

namespace gordian::cli {
namespace {

// docs/cli.md tells more of each.
constexpr ExitStatus kExitStatuses[] = {
    {"CMD's own",
     "nothing was found at error level, or CMD failed itself; a signal that ended CMD ends gordian"},
    {"2", "gordian was called wrongly"},
    {"3", "the run, process or core file cannot be read"},
    {"4", "a run is missing or was not seen as it was expected"},
    {"5", "a suppressions file, a baseline or a report is missing, wrong or too new"},
    {"66",
     "CMD ended with 0 and there is a finding that `--fail-on` asks for, or it was ended for a deadlock"},
    {"124", "`--kill-after` ended CMD"},
    {"125", "gordian failed before CMD was started, or a report could not be written"},
    {"126, 127", "CMD is not executable, not found"},
};

}  // namespace

std::span<const ExitStatus> ExitStatuses() { return kExitStatuses; }

bool IsFailing(const report::ReportFinding& finding, FailOn fail_on) {
  const bool is_error = finding.level == "error";
  const bool is_new = finding.status == "new";
  switch (fail_on) {
    case FailOn::kError:
      return is_new && is_error;
    case FailOn::kWarning:
      return is_new && (is_error || finding.level == "warning");
    case FailOn::kConfirmed:
      return is_new && is_error && finding.confidence == "confirmed";
    case FailOn::kAny:
      return finding.status != "suppressed" && is_error;
    case FailOn::kNever:
      return false;
  }
  return false;
}

bool HasFailingFinding(const report::Report& report, FailOn fail_on) {
  return std::any_of(report.findings.begin(), report.findings.end(),
                     [fail_on](const auto& finding) { return IsFailing(finding, fail_on); });
}

Ending DecideEnding(int status, EndedBy ended_by, bool failing, const Options& options) {
  if (ended_by == EndedBy::kDeadlockKill) {
    return {options.error_exitcode, 0};
  }
  if (ended_by == EndedBy::kWatchdog) {
    return {kExitWatchdog, 0};
  }
  if (WIFSIGNALED(status)) {
    return {128 + WTERMSIG(status), WTERMSIG(status)};
  }
  int code = WEXITSTATUS(status);
  return {code == 0 && failing ? options.error_exitcode : code, 0};
}

Ending WithoutReport(const Ending& ending, int status, EndedBy ended_by) {
  const bool succeeded = ended_by == EndedBy::kItself && WIFEXITED(status) && WEXITSTATUS(status) == 0;
  return succeeded ? Ending{kExitGordian, 0} : ending;
}

void EndAs(const Ending& ending) {
  if (ending.signal != 0) {
    rlimit no_core{0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    prctl(PR_SET_DUMPABLE, 0);  // a core_pattern that is a pipe does not ask RLIMIT_CORE
    signal(ending.signal, SIG_DFL);
    sigset_t only;
    sigemptyset(&only);
    sigaddset(&only, ending.signal);
    raise(ending.signal);
    sigprocmask(SIG_UNBLOCK, &only, nullptr);
  }
  _exit(ending.exit_code);
}

}  // namespace gordian::cli
