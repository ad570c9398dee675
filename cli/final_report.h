// From a finished Run to the written reports.
#ifndef GORDIAN_CLI_FINAL_REPORT_H_
#define GORDIAN_CLI_FINAL_REPORT_H_

#include <optional>
#include <string>

#include "cli/options.h"
#include "cli/outputs.h"
#include "cli/watch/live_report.h"
#include "libsync/trace/run.h"
#include "reports/report.h"

namespace gordian::cli {

// Analyses and names. `live`: what was reported while the program ran, nullptr if nothing can have been; none
// of it is missing in the result.
report::Report JudgeRun(const trace::Run& run, const Options& options, const LiveReport* live);

// Writes JSON and text. What could not be written is told in the text. `exit_code`: named in the summary
// line.
void WriteReports(report::Report report, Outputs* outputs, const LiveReport* live,
                  std::optional<int> exit_code);

}  // namespace gordian::cli

#endif  // GORDIAN_CLI_FINAL_REPORT_H_
