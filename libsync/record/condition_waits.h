// pthread_cond_wait gives the mutex up and takes it back without passing a hook; and who signals.
#ifndef GORDIAN_LIBSYNC_RECORD_CONDITION_WAITS_H_
#define GORDIAN_LIBSYNC_RECORD_CONDITION_WAITS_H_

#include <pthread.h>

#include <cstdint>

#include "libsync/record/acquire.h"

namespace gordian::record {

struct ConditionWait {
  Thread* thread;  // null: unrecorded
  Attempt reacquire;
  trace::Ref condition;
  uint32_t signals;  // of the condition, when the wait began
  uint16_t depth;    // of a recursive mutex: only one level is given up
  bool was_held;
  bool may_pause;  // a plan asks for a pause between the wake-up and the taking back of the mutex
};
ConditionWait BeginConditionWait(pthread_cond_t* condition, pthread_mutex_t* mutex, bool timed,
                                 const Site& site);
// The thread is awake and goes to take the mutex back. Where the wait may pause, and the caller has the mutex
// given up and taken back by itself.
void BeginReacquire(const ConditionWait& wait);
// kAsBefore: the call failed before it gave the mutex up. kLost: the mutex became useless meanwhile.
enum class AfterWait : uint8_t { kHeld, kAsBefore, kLost };
void EndConditionWait(const ConditionWait& wait, AfterWait after);
void RecordSignal(pthread_cond_t* condition, const Site& site);

}  // namespace gordian::record

#endif  // GORDIAN_LIBSYNC_RECORD_CONDITION_WAITS_H_
