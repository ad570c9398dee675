// What the text report says of findings that were known before: those that are suppressed, those of the
// baseline, and the suppressions themselves. Thread safety: pure functions.
#ifndef GORDIAN_REPORTS_TEXT_KNOWN_H_
#define GORDIAN_REPORTS_TEXT_KNOWN_H_

#include <string>

#include "reports/report.h"

namespace gordian::report {

// REQUIRES: the report is printable.
std::string KnownText(const Report& report, const TextOptions& options);

// "; 2 suppressed, 1 in the baseline" for the summary line; empty where there are none.
std::string KnownCounts(const ReportSummary& summary);

}  // namespace gordian::report

#endif  // GORDIAN_REPORTS_TEXT_KNOWN_H_
