// A report from its JSON again. Thread safety: pure functions.
#ifndef GORDIAN_REPORTS_READ_REPORT_H_
#define GORDIAN_REPORTS_READ_REPORT_H_

#include <optional>
#include <string>

#include "reports/report.h"

namespace gordian::report {

// nullopt, and `why`: this is no report of a schema that is known. Keys that are not known are left out, and
// what is of the wrong type counts as missing.
std::optional<Report> ReadReport(const std::string& json, std::string* why);

}  // namespace gordian::report

#endif  // GORDIAN_REPORTS_READ_REPORT_H_
