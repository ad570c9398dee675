// Which signals have a handler, and which of them could interrupt the calling thread: a lock that a handler
// takes must not be one that the interrupted code can hold. Signals that a thread brings about itself (a bad
// access, abort) and those of libc are left out.
#ifndef GORDIAN_LIBSYNC_RECORD_HANDLERS_H_
#define GORDIAN_LIBSYNC_RECORD_HANDLERS_H_

#include <cstdint>

#include "libsync/trace/layout.h"

namespace gordian::record {

// False for those that are left out, and for what is no signal.
bool MayInterrupt(int signal);

// The signal has this handler from now on; null for SIG_DFL and SIG_IGN. Safe in a signal handler.
void RecordHandler(int signal, const void* handler);

// Bit N-1 for each signal N that has a handler.
uint64_t HandledSignals();
// Those of `wanted` (bit N-1 for signal N) that have a handler and are not blocked in the calling thread.
uint64_t OpenSignals(uint64_t wanted);

// What the unwinder saw where a handler interrupted something.
struct InterruptedBy {
  uintptr_t frame;     // the stack pointer in the frame that the kernel made
  uintptr_t function;  // the beginning of the function that returns there
};
// The stack is one in a handler, taken right now. REQUIRES: inside the recorder.
void NoteHandlerStack(trace::Ref stack, const InterruptedBy& by);
// The signals that the handler may have been called for; 0: the stack is not in a handler.
uint64_t HandlerSignals(trace::Ref stack);

}  // namespace gordian::record

#endif  // GORDIAN_LIBSYNC_RECORD_HANDLERS_H_
