// What one thread hands to another by a condition, a semaphore, a once or a channel: the order in which a run
// came, for a judge who asks whether it could have come otherwise.
//
// Each hand-over that is recorded ends a segment of who gives and begins one of who takes. Their number is
// bounded, for each object and for the image; of an object that has reached it no more is told (kOrderLost).
#ifndef GORDIAN_LIBSYNC_RECORD_HAND_OVERS_H_
#define GORDIAN_LIBSYNC_RECORD_HAND_OVERS_H_

#include <pthread.h>

#include <cstdint>

#include "libsync/record/thread.h"
#include "libsync/trace/layout.h"

namespace gordian::record {

inline constexpr uint64_t kMostHandOvers = 64;  // of one object but a once, in each direction
inline constexpr uint64_t kMostOfImage = 1 << 14;

// What the thread did so far comes before what follows its signal, its post or its routine. `value`: see
// trace::EventKind. REQUIRES: inside the recorder, before the real call.
void RecordGave(Thread* thread, trace::Ref object, int64_t value);
// The calling thread has come past the object.
void RecordTook(trace::Ref object, int64_t value);
// Its event; null when it is beyond the bound. REQUIRES: inside the recorder.
trace::EventRecord* RecordTook(Thread* thread, trace::Ref object, int64_t value);

// The thread passed a wait that others ended.
void NoteOrder(Thread* thread);

// The routine of a once is over, and `took_locks`: only then it matters who comes later.
// REQUIRES: inside the recorder.
void RecordOnceDone(Thread* thread, trace::Ref once, bool took_locks);
// The calling thread comes past a once whose routine was over before. Once a thread, a load for most.
void PassDoneOnce(const pthread_once_t* once);

}  // namespace gordian::record

#endif  // GORDIAN_LIBSYNC_RECORD_HAND_OVERS_H_
