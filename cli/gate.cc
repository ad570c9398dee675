#include "cli/gate.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "cli/exit_code.h"
#include "reports/coverage.h"

namespace gordian::cli {

bool HasGate(const Options& options) {
  return options.gate || !options.baseline.empty() || options.expect_processes.has_value() ||
         options.require_coverage.has_value();
}

void CheckExpectations(const Options& options, report::Report* report) {
  if (!HasGate(options)) {
    return;
  }
  const report::ReportCoverage& coverage = report->coverage;
  const auto fail = [report](const std::string& what) { report->failures.push_back(what); };
  if (coverage.recorded == 0) {
    fail("nothing was recorded: no process passed through the hooks (`gordian doctor -- CMD` tells why)");
  }
  if (coverage.dropped > 0) {
    fail(absl::StrCat(report::Plural(coverage.dropped, "record was", "records were"), " lost"));
  }
  if (coverage.incomplete > 0) {
    fail(absl::StrCat("what was recorded of ", report::Plural(coverage.incomplete, "process", "processes"),
                      " is not whole"));
  }
  if (options.expect_processes.has_value() && coverage.recorded < *options.expect_processes) {
    fail(absl::StrCat(
        "--expect-processes: ", report::Plural(coverage.recorded, "process was", "processes were"),
        " recorded, not ", *options.expect_processes));
  }
  const double percent = coverage.processes == 0 ? 0
                                                 : 100.0 * static_cast<double>(coverage.recorded) /
                                                       static_cast<double>(coverage.processes);
  if (options.require_coverage.has_value() && percent < *options.require_coverage) {
    fail(absl::StrCat("--require-coverage: ", coverage.recorded, " of ",
                      report::Plural(coverage.processes, "process was", "processes were"),
                      " recorded, less than ", *options.require_coverage, " %"));
  }
}

int GateExitCode(const Options& options, const report::Report& report) {
  if (HasFailingFinding(report, options.fail_on)) {
    return options.error_exitcode;
  }
  return report.failures.empty() ? 0 : kExitExpectation;
}

}  // namespace gordian::cli
