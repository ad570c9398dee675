// The schedule that hangs, as columns of a text report: one thread a column, time runs downwards.
// Thread safety: pure functions.
#ifndef GORDIAN_REPORTS_TEXT_INTERLEAVING_H_
#define GORDIAN_REPORTS_TEXT_INTERLEAVING_H_

#include <string>

#include "reports/report.h"

namespace gordian::report {

// The name of a lock by its id; the id itself when the finding has no such lock.
std::string LockName(const ReportFinding& finding, const std::string& id);

// Lines with their indentation; "" when the finding has no interleaving. `finding` must be printable.
std::string InterleavingText(const ReportFinding& finding, const TextOptions& options);

}  // namespace gordian::report

#endif  // GORDIAN_REPORTS_TEXT_INTERLEAVING_H_
