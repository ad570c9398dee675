// Can a handler of a signal end a wait? The one place that answers this.
//
// A standstill is one whatever signal ends a process by its default action: what counts is a handler that
// lets the waiting threads go on.
//
// 1. A handler is code of its process. It can post a semaphore, signal a condition, wake a futex, or write to
// a
//    pipe or socket: it can end the waits for these that its process is a releaser of. It cannot end a wait
//    for a child, for a lock that somebody holds, for a file lock, or for room in a pipe that nobody reads.
// 2. It must get to run: some thread of the process has the signal unblocked, and somebody sends it. Nobody
//    sends the signals of faults to a thread that sleeps, and SIGCHLD comes when a child ends: the child must
//    be able to.
// 3. What a runtime, a collector or a shell does with signals for its own business wakes nobody (the table in
//    signal_help.cc). glibc's own two are among them.
//
// Which of those that can somebody does send to a healthy process is the question of service_signals.h.
//
// Thread safety: functions without shared state.
#ifndef GORDIAN_LIBSYNC_INSPECT_SIGNAL_HELP_H_
#define GORDIAN_LIBSYNC_INSPECT_SIGNAL_HELP_H_

#include <cstdint>
#include <vector>

#include "libsync/inspect/proc.h"
#include "libsync/trace/run.h"

namespace gordian::inspect {

constexpr uint64_t SignalBit(int signal) { return uint64_t{1} << (signal - 1); }

// Whether a handler of a process that can release it may end this wait, which is in this call.
bool HandlerCanEnd(const trace::Wait& wait, const TaskWait& call);

// Of the signals that a process catches, those whose handlers may be the program's own and may run; bit n-1
// stands for signal n. `blocked`: by all of its threads. `modules`: its loaded objects.
uint64_t HelpfulSignals(uint64_t caught, uint64_t blocked, const std::vector<trace::Module>& modules);

}  // namespace gordian::inspect

#endif  // GORDIAN_LIBSYNC_INSPECT_SIGNAL_HELP_H_
