// A process and its identity: pids come back, (pid, start_ticks) does not.
//
// Thread safety: functions without shared state.
#ifndef GORDIAN_CLI_WATCH_PROCESS_ID_H_
#define GORDIAN_CLI_WATCH_PROCESS_ID_H_

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <utility>

#include "libsync/inspect/proc.h"

namespace gordian::cli {

using inspect::ProcStat;
using ProcessId = std::pair<pid_t, uint64_t>;  // pid, start_ticks

inline ProcessId IdOf(const ProcStat& stat) { return {stat.pid, stat.start_ticks}; }

// Over, and only its status is left. A zombie with threads is a main thread that ended before the others.
bool IsDead(const ProcStat& stat);
bool IsStopped(const ProcStat& stat);

// 0: no such process.
uint64_t StartTicks(pid_t pid);
// It runs: neither gone nor dead nor replaced by another with its pid.
bool IsAlive(const ProcessId& id);
// Signals it only if it is still the one of that identity.
bool SignalProcess(const ProcessId& id, int signal);

// The command line with blanks between the arguments; the name in brackets where there is none.
std::string CommandLine(const ProcStat& stat);

// The inode of its pid namespace, and the pid that it has there; 0: unknown.
uint64_t PidNamespace(pid_t pid);
pid_t InnerPid(pid_t pid);
pid_t InnerTid(pid_t pid, pid_t tid);

// CLOCK_MONOTONIC.
uint64_t NowNs();
// Processor time that this thread has used. What a look costs is told by this clock: on a busy machine a
// cheap look may last long, and must not be put off for it.
uint64_t SpentNs();

}  // namespace gordian::cli

#endif  // GORDIAN_CLI_WATCH_PROCESS_ID_H_
