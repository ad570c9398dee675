// The signals by which programs are told to wake up or to end. A process at rest with a handler for one of
// them waits for it, as servers do.
//
// Thread safety: functions without shared state.
#ifndef GORDIAN_LIBSYNC_INSPECT_SERVICE_SIGNALS_H_
#define GORDIAN_LIBSYNC_INSPECT_SERVICE_SIGNALS_H_

#include <sys/types.h>

#include <cstdint>
#include <string_view>

namespace gordian::inspect {

// Of `caught`, bit N-1 for signal N, those that somebody sends to a healthy process: SIGTERM and its kin,
// what an alarm sends, and what the timers of the process do.
uint64_t ServiceSignals(pid_t pid, uint64_t caught);

// Of `caught`, those that the process's own timers send: a call that such a signal interrupts has a time
// limit.
uint64_t TimerSignals(pid_t pid, uint64_t caught);

// The signals in a text as /proc/PID/timers has it.
uint64_t ParseTimerSignals(std::string_view text);

}  // namespace gordian::inspect

#endif  // GORDIAN_LIBSYNC_INSPECT_SERVICE_SIGNALS_H_
