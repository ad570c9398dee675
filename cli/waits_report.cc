#include "cli/waits_report.h"

#include <utility>

#include "cli/exit_code.h"
#include "cli/final_report.h"
#include "cli/known.h"
#include "libsync/analyze/detector.h"

namespace gordian::cli {
int ReportWaits(const trace::Run& run, const Options& options, Outputs* outputs) {
  report::BuildOptions build_options;
  build_options.redact = options.redact;
  build_options.wrappers = options.wrappers;
  build_options.snapshot = true;
  report::Report report = report::BuildReport(run, analyze::AnalyzeWaits(run), build_options);
  MarkKnown(options, &report);
  const int exit_code = HasFailingFinding(report, options.fail_on) ? options.error_exitcode : 0;
  return WriteReports(std::move(report), outputs, exit_code);
}

}  // namespace gordian::cli
