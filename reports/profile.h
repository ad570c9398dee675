// How the locks of a run were used: the part of a report that `gordian run --profile` adds to the findings.
//
// Thread safety: functions without shared state; the symbolizer belongs to one thread.
#ifndef GORDIAN_REPORTS_PROFILE_H_
#define GORDIAN_REPORTS_PROFILE_H_

#include <string>
#include <vector>

#include "libsync/trace/run.h"
#include "reports/report.h"
#include "reports/symbolizer.h"

namespace gordian::report {

// One entry for each lock class over all processes. An interpreter's own locks, and semaphores that turned
// out to be signals, are left out.
std::vector<ReportProfile> BuildProfile(const trace::Run& run, Symbolizer* symbolizer);

// A table; "" for a run without a profile.
std::string ProfileText(const Report& report, const TextOptions& options);

}  // namespace gordian::report

#endif  // GORDIAN_REPORTS_PROFILE_H_
