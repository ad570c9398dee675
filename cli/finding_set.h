// The findings of many runs as one report: of runs that were kept with --out, of JSON reports, and of folders
// that have them.
//
// Thread safety: none.
#ifndef GORDIAN_CLI_FINDING_SET_H_
#define GORDIAN_CLI_FINDING_SET_H_

#include <optional>
#include <string>
#include <vector>

#include "cli/options.h"
#include "reports/report.h"

namespace gordian::cli {

// Judged, each finding once with a count over all runs; nothing of it is marked as known yet. A run that
// recorded nothing is among the failures. nullopt, and `why` and `exit_code`: one of them is missing, empty
// or cannot be read.
std::optional<report::Report> LoadFindings(const std::vector<std::string>& paths, const Options& options,
                                           std::string* why, int* exit_code);

// The same, with what is known marked and the expectations checked.
std::optional<report::Report> LoadAndMark(const std::vector<std::string>& paths, const Options& options,
                                          int* exit_code);

}  // namespace gordian::cli

#endif  // GORDIAN_CLI_FINDING_SET_H_
