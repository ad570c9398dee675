// The beginning and the end of synchronisation objects, and what is wrong with an end that comes too early.
#ifndef GORDIAN_LIBSYNC_RECORD_LIFETIMES_H_
#define GORDIAN_LIBSYNC_RECORD_LIFETIMES_H_

#include <pthread.h>

#include <cstddef>

#include "libsync/record/acquire.h"
#include "libsync/record/locks.h"
#include "libsync/record/stack.h"

namespace gordian::record {

// init of an object that a thread of this process holds or awaits is recorded as kReinitInUse.
void BeforeInit(const ObjectFacts& object, const Site& site);
// The record of the lifetime that begins; 0 when there is none.
trace::Ref AfterInit(const ObjectFacts& object, const Site& site);
// sem_init leaves our tag of a former semaphore in place.
void WipeTag(sem_t* semaphore);

struct Doomed {
  bool recorded;
  ObjectFacts object;
};
// destroy of a held lock, or of a condition or semaphore with a waiter that nobody woke, is recorded as
// kDestroyInUse.
Doomed BeforeDestroy(pthread_mutex_t* mutex, const Site& site);
// libc does not look at these, so they may be anything: they are read where they can be.
Doomed BeforeDestroy(pthread_rwlock_t* rwlock, const Site& site);
Doomed BeforeDestroy(pthread_spinlock_t* spinlock, const Site& site);
Doomed BeforeDestroy(pthread_cond_t* condition, const Site& site);
Doomed BeforeDestroy(sem_t* semaphore, const Site& site);
void AfterDestroy(const Doomed& doomed, bool destroyed);

// A call was refused because of the value that the semaphore would have had; null: there is no semaphore yet.
void RecordSemaphoreMisuse(sem_t* semaphore, int64_t value, const Site& site);

// [start, start + bytes) is taken away by `call`.
void BeforeUnmap(void* start, size_t bytes, const char* call, const Site& site);
// A thread that holds the lock, or waits on the condition and was not woken since.
struct Use {
  Thread* thread;
  trace::Ref object;
  trace::Ref stack;
};
// Calls visit(use) for each object in [low, low + bytes) that is in use, until it returns false. The holding
// may be dropped meanwhile. A shared object may live on in another mapping: it is left out. REQUIRES: inside
// the recorder.
template <typename Visit>
void ForEachUse(uintptr_t low, size_t bytes, Visit visit) {
  const auto concerns = [low, bytes](trace::Ref object) {
    const auto* record = g_trace.At<trace::LockRecord>(object);
    return record->address - low < bytes && (record->flags & (trace::kProcessShared | trace::kHandOff)) == 0;
  };
  bool goes_on = true;
  ForEachThread([&](Thread* thread) {
    const trace::SlotRecord* slot = thread->own_slot;
    for (uint32_t i = 0;
         goes_on && i < __atomic_load_n(&slot->held_count, __ATOMIC_RELAXED) && i < thread->held_capacity;) {
      const trace::HeldEntry held = thread->held[i];
      const bool found = held.lock != 0 && concerns(held.lock);
      goes_on = !found || visit(Use{thread, held.lock, held.stack});
      // Where it was dropped the next one took its place.
      i += !found || thread->held[i].acquisition == held.acquisition ? 1 : 0;
    }
    const trace::Ref awaited = slot->wait_object;
    const bool waits = __atomic_load_n(&slot->wait_kind, __ATOMIC_ACQUIRE) ==
                           static_cast<uint8_t>(trace::WaitKind::kCondition) &&
                       (slot->wait_flags & trace::kTimed) == 0 &&
                       (thread->record->flags & trace::kCancelled) == 0;
    if (goes_on && waits && awaited != 0 && concerns(awaited) &&
        slot->wait_value == static_cast<int64_t>(g_trace.At<trace::LockRecord>(awaited)->signals)) {
      goes_on = visit(Use{thread, awaited, slot->wait_stack});
    }
  });
}
// fclose takes the lock of the stream and ends with it. BeginClose of a stream that others hold is a wait.
Attempt BeginClose(FILE* stream, const Site& site);
void EndClose(const Attempt& attempt);

// How much is mapped from `start` on, as one piece; 0 unknown.
size_t MappedFrom(const void* start);
// What was there lies elsewhere now: a lock that was held in it is held under an address that nobody knows.
void AfterMove(void* start, size_t bytes, const Site& site);

}  // namespace gordian::record

#endif  // GORDIAN_LIBSYNC_RECORD_LIFETIMES_H_
