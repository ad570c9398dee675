// Things that happen once and are facts by themselves: misuse as seen at the moment, signals sent.
#ifndef GORDIAN_LIBSYNC_RECORD_EVENTS_H_
#define GORDIAN_LIBSYNC_RECORD_EVENTS_H_

#include <cstdint>

#include "libsync/record/thread.h"
#include "libsync/trace/layout.h"

namespace gordian::record {

// A kind of event from one place is recorded this often; more of the same would say nothing new.
inline constexpr uint64_t kEventsPerPlace = 16;

// REQUIRES: inside the recorder.
void RecordEvent(Thread* thread, trace::EventKind kind, trace::Ref object, trace::Ref other, int64_t value,
                 trace::Ref stack, trace::Ref other_stack);

// Where `holder` took the lock; 0 if it is null or holds it no more.
trace::Ref HeldStack(const Thread* holder, trace::Ref lock);

}  // namespace gordian::record

#endif  // GORDIAN_LIBSYNC_RECORD_EVENTS_H_
