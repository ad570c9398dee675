// What must be true of a run so that it counts as clean: a run that saw nothing has no findings either.
//
// Thread safety: pure functions.
#ifndef GORDIAN_CLI_GATE_H_
#define GORDIAN_CLI_GATE_H_

#include "cli/options.h"
#include "reports/report.h"

namespace gordian::cli {

// Whether the options ask for more than findings.
bool HasGate(const Options& options);

// Adds to the report's failures what it does not fulfil.
void CheckExpectations(const Options& options, report::Report* report);

// That of a command that judges runs: a finding counts for more than an expectation that is not met.
int GateExitCode(const Options& options, const report::Report& report);

}  // namespace gordian::cli

#endif  // GORDIAN_CLI_GATE_H_
