#include "libsync/record/once.h"

#include "libsync/record/hand_overs.h"
#include "libsync/record/holdings.h"

namespace gordian::record {
namespace {

int FindNewestOnce(const Thread* thread) {
  for (int i = static_cast<int>(thread->own_slot->held_count); i-- > 0;) {
    const trace::HeldEntry& entry = thread->held[i];
    if (entry.lock != 0 &&
        g_trace.At<trace::LockRecord>(entry.lock)->kind == static_cast<uint8_t>(trace::LockKind::kOnce)) {
      return i;
    }
  }
  return -1;
}

}  // namespace

void EndOnceRoutine(pthread_once_t* once) {
  const Entry entry(Entry::Open::kOnlyIfOpen);
  const trace::Ref lock = entry ? FindLock(OnceFacts(once)) : 0;
  if (lock == 0) {
    return;
  }
  Thread* thread = entry.thread();
  if (const int index = FindHeld(thread, lock); index >= 0) {
    RecordOnceDone(thread, lock, thread->own_slot->acquisitions != thread->held[index].acquisition);
    DropHeld(thread, lock);
  }
}

void LeaveOnceRoutine() {
  const Entry entry(Entry::Open::kOnlyIfOpen);
  if (entry) {
    if (const int index = FindNewestOnce(entry.thread()); index >= 0) {
      RemoveHeld(entry.thread(), index);
    }
  }
}

void LeaveAllOnceRoutines() {
  if (t_thread->own_slot == nullptr || t_thread->own_slot->held_count == 0) {
    return;
  }
  const Entry entry(Entry::Open::kOnlyIfOpen);
  for (int index = 0; entry && (index = FindNewestOnce(entry.thread())) >= 0;) {
    RemoveHeld(entry.thread(), index);
  }
}

void EndOnce(const Attempt& attempt, const pthread_once_t* once) {
  EndAcquire(attempt, false);
  {
    const Entry entry(Entry::Open::kOnlyIfOpen);
    if (!entry || attempt.thread != entry.thread()) {
      return;
    }
    RetireLock(attempt.lock);
  }
  PassDoneOnce(once);
}

}  // namespace gordian::record
