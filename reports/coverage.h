// What a run could not see, as sentences: a report without findings means little without them.
// Thread safety: pure functions.
#ifndef GORDIAN_REPORTS_COVERAGE_H_
#define GORDIAN_REPORTS_COVERAGE_H_

#include <string>
#include <vector>

#include "libsync/trace/run.h"
#include "reports/report.h"

namespace gordian::report {

// Counts and sentences. `complaints` are the symbolizer's; command lines are redacted unless told otherwise.
ReportCoverage Coverage(const trace::Run& run, const std::vector<std::string>& complaints, bool redact);

// "1 process", "2 processes".
std::string Plural(uint64_t count, const std::string& one, const std::string& many);

}  // namespace gordian::report

#endif  // GORDIAN_REPORTS_COVERAGE_H_
