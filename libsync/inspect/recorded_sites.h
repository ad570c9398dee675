// What only a record knows of a process that is looked at from outside: where its threads were created, and
// where they took what they hold.
//
// Thread safety: functions without shared state.
#ifndef GORDIAN_LIBSYNC_INSPECT_RECORDED_SITES_H_
#define GORDIAN_LIBSYNC_INSPECT_RECORDED_SITES_H_

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <optional>

#include "libsync/inspect/address_space.h"
#include "libsync/trace/run.h"

namespace gordian::inspect {

// The trace that a process writes now, nullopt where it writes none. `start_ticks`: of the process, which
// the trace must be of.
std::optional<trace::Process> ReadRecord(pid_t pid, uint64_t start_ticks, const AddressSpace& space);

// Adds to `seen` the places that `record` of the same image has. `threads`: of `seen`, by the numbers that
// the process itself knows.
void AddRecordedSites(const trace::Process& record, const std::map<pid_t, trace::Index>& threads,
                      trace::Process* seen);

}  // namespace gordian::inspect

#endif  // GORDIAN_LIBSYNC_INSPECT_RECORDED_SITES_H_
