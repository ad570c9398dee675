// What language runtimes do on purpose and a rule would hold against them. It says nothing to who writes
// programs in them, and nothing that anybody could mend: such findings are not made.
//
// Thread safety: functions without shared state.
#ifndef GORDIAN_REPORTS_RUNTIMES_H_
#define GORDIAN_REPORTS_RUNTIMES_H_

#include "reports/report.h"

namespace gordian::report {

bool IsHabitOfRuntime(const ReportFinding& finding);

}  // namespace gordian::report

#endif  // GORDIAN_REPORTS_RUNTIMES_H_
