// The system calls in which threads sleep: their names, what they wait for, and whether they end by
// themselves.
//
// Thread safety: functions without shared state.
#ifndef GORDIAN_LIBSYNC_INSPECT_CALLS_H_
#define GORDIAN_LIBSYNC_INSPECT_CALLS_H_

#include <cstdint>

#include "libsync/inspect/memory.h"
#include "libsync/inspect/proc.h"

namespace gordian::inspect {

struct Call {
  int64_t number;
  const char* name;  // for people: recvfrom is "recv"
  int descriptor;    // which argument is a descriptor, -1: none
  enum class Timeout { kNever, kAlways, kPointer, kMilliseconds } timeout;
  int timeout_argument;
};

// nullptr: a call in which threads do not usually sleep.
const Call* FindCall(int64_t number);

// Reads from a file, a pipe or a socket.
bool IsRead(int64_t number);

// The thread waits for input or output, or for the chance to do some.
bool IsInputOutput(int64_t number);

// The call ends after a given time, whatever happens.
bool IsTimed(const TaskWait& wait);

// A wait with a timeout that a stop broke off shows as restart_syscall, with the arguments that it had: the
// call itself stands in the code before the program counter. `wait` as it is for all others.
TaskWait AsItBegan(const TaskWait& wait, const Memory& memory);

}  // namespace gordian::inspect

#endif  // GORDIAN_LIBSYNC_INSPECT_CALLS_H_
