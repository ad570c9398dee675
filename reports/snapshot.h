// What every thread of the looked-at processes does: the part of a report that `gordian attach` and `gordian
// core` add to the findings, and all that `gordian run --dump-after` prints.
//
// Thread safety: functions without shared state; the symbolizer belongs to one thread.
#ifndef GORDIAN_REPORTS_SNAPSHOT_H_
#define GORDIAN_REPORTS_SNAPSHOT_H_

#include <string>
#include <vector>

#include "libsync/trace/run.h"
#include "reports/report.h"
#include "reports/symbolizer.h"

namespace gordian::report {

std::vector<ReportSnapshot> BuildSnapshot(const trace::Run& run, const BuildOptions& options,
                                          Symbolizer* symbolizer);

// Threads that stand at the same place for the same reason are told once. REQUIRES: the report is printable.
std::string SnapshotText(const Report& report, const TextOptions& options);

// The same of any report.
std::string SnapshotToText(const Report& report, const TextOptions& options);

}  // namespace gordian::report

#endif  // GORDIAN_REPORTS_SNAPSHOT_H_
