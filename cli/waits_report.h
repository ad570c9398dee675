// From a Run that was seen from outside to the written report: what every thread waits for, and whether for
// good.
#ifndef GORDIAN_CLI_WAITS_REPORT_H_
#define GORDIAN_CLI_WAITS_REPORT_H_

#include "cli/options.h"
#include "cli/outputs.h"
#include "libsync/trace/run.h"

namespace gordian::cli {

// Judges, writes, and returns the exit code.
int ReportWaits(const trace::Run& run, const Options& options, Outputs* outputs);

}  // namespace gordian::cli

#endif  // GORDIAN_CLI_WAITS_REPORT_H_
