// Things that happen once and are facts by themselves: misuse as seen at the moment, signals sent.
#ifndef GORDIAN_LIBSYNC_RECORD_EVENTS_H_
#define GORDIAN_LIBSYNC_RECORD_EVENTS_H_

#include <cstdint>

#include "libsync/record/thread.h"
#include "libsync/trace/layout.h"

namespace gordian::record {

// A kind of event from one place is recorded this often; more of the same would say nothing new.
inline constexpr uint64_t kEventsPerPlace = 16;

// What an EventRecord says beside who and when; see trace::EventKind.
struct NewEvent {
  trace::EventKind kind;
  trace::Ref object = 0;
  trace::Ref object2 = 0;
  trace::Ref other = 0;
  int64_t value = 0;
  trace::Ref stack = 0;
  trace::Ref other_stack = 0;
  int error = 0;
  const char* text = nullptr;
};

// The record, null when there is no room. REQUIRES: inside the recorder.
trace::EventRecord* AppendEvent(Thread* thread, const NewEvent& event, trace::Ref* ref = nullptr);
// The record, null when there were enough of its kind at this place, or no room. REQUIRES: inside the
// recorder.
trace::EventRecord* RecordEvent(Thread* thread, const NewEvent& event);
void RecordEvent(Thread* thread, trace::EventKind kind, trace::Ref object, trace::Ref other, int64_t value,
                 trace::Ref stack, trace::Ref other_stack);

// An event whose value is how long something lasted: one record for a kind, a class of locks and two places,
// with the longest and the number of times. REQUIRES: inside the recorder.
void RecordDuration(Thread* thread, const NewEvent& event);

// The text as a record of the trace, the same one for equal texts; 0 when there is no room.
// REQUIRES: inside the recorder.
trace::Ref RecordText(const char* text);

// Where `holder` took the lock; 0 if it is null or holds it no more.
trace::Ref HeldStack(const Thread* holder, trace::Ref lock);

}  // namespace gordian::record

#endif  // GORDIAN_LIBSYNC_RECORD_EVENTS_H_
