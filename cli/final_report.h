// From a finished Run to the written reports.
#ifndef GORDIAN_CLI_FINAL_REPORT_H_
#define GORDIAN_CLI_FINAL_REPORT_H_

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

// Writes the report in each format that was asked for. False: one could not be written, which the report then
// says.
bool WriteFiles(report::Report* report, Outputs* outputs);

// Writes the text. `live`: as above; what it printed is not repeated. False: the file did not take it, as was
// told.
bool WriteText(report::Report report, const Outputs& outputs, const LiveReport* live);

// Both, for a command that keeps no run and ends with this code: the code, or that of a report that could not
// be written.
int WriteReports(report::Report report, Outputs* outputs, int exit_code);

}  // namespace gordian::cli

#endif  // GORDIAN_CLI_FINAL_REPORT_H_
