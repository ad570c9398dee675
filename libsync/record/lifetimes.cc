#include "libsync/record/lifetimes.h"

#include "libsync/record/acquire.h"
#include "libsync/record/events.h"
#include "libsync/record/holdings.h"
#include "libsync/record/raw.h"
#include "libsync/record/thread.h"

namespace gordian::record {
namespace {

// A thread that waits for the object: for the lock itself, or on the condition since before its last signal.
Thread* FindWaiter(trace::Ref object, const trace::LockRecord* record) {
  Thread* waiter = nullptr;
  ForEachThread([&](Thread* thread) {
    const trace::SlotRecord* slot = thread->own_slot;
    const auto kind = static_cast<trace::WaitKind>(__atomic_load_n(&slot->wait_kind, __ATOMIC_RELAXED));
    if (kind == trace::WaitKind::kNone || slot->wait_object != object) {
      return;
    }
    if (kind == trace::WaitKind::kLock ||
        (kind == trace::WaitKind::kCondition && slot->wait_value == static_cast<int64_t>(record->signals))) {
      waiter = thread;
    }
  });
  return waiter;
}

trace::Ref WaitStack(const Thread* waiter) { return waiter == nullptr ? 0 : waiter->own_slot->wait_stack; }

}  // namespace

void BeforeInit(const ObjectFacts& object, const Site& site) {
  // The memory may hold anything: only an object of ours that looks locked is worth a closer look.
  if (!IsReady() || !object.locked) {
    return;
  }
  const Entry entry(Entry::Open::kOnlyIfOpen);
  if (!entry) {
    return;
  }
  const trace::Ref lock = FindLock(object);
  if (lock == 0) {
    return;
  }
  auto* record = g_trace.At<trace::LockRecord>(lock);
  Thread* holder = FindHolder(lock, nullptr);
  if (holder == entry.thread() && (record->flags & trace::kInherited) != 0) {
    // A pthread_atfork handler makes its copy of a lock anew that it took before the fork (jemalloc): no
    // mistake.
    DropHeld(holder, lock);
    return;
  }
  if (IsSignal(record)) {
    holder = nullptr;  // who waited for it took what was posted, or what it began with, and keeps nothing
  }
  Thread* waiter = holder != nullptr ? nullptr : FindWaiter(lock, record);
  if (holder == nullptr && waiter == nullptr) {
    return;
  }
  const trace::Ref other_stack = holder != nullptr ? HeldStack(holder, lock) : WaitStack(waiter);
  RecordEvent(entry.thread(), trace::EventKind::kReinitInUse, lock,
              (holder != nullptr ? holder : waiter)->ref, 0, StackOf(entry.thread(), site), other_stack);
  record->flags |= trace::kHandOff;  // whoever held it holds something else now
}

trace::Ref AfterInit(const ObjectFacts& object, const Site& site) {
  const Entry entry(Entry::Open::kOnlyIfOpen);
  return entry ? BeginLifetime(entry.thread(), object, StackOf(entry.thread(), site)) : 0;
}

namespace {

bool RecordSecondDestroy(Thread* thread, const ObjectFacts& object, const Site& site) {
  // A mutex has no record once it is destroyed.
  const bool is_marked = (object.flags & trace::kDestroyed) != 0;
  const trace::Ref lock = is_marked ? ResolveLock(thread, object) : FindLock(object);
  return lock != 0 && RecordIfDestroyed(thread, object, lock, site);
}

Doomed BeforeDestroyOf(const ObjectFacts& object, const Site& site) {
  const Entry entry(Entry::Open::kOnlyIfOpen);
  if (!entry) {
    return Doomed{};
  }
  if (RecordSecondDestroy(entry.thread(), object, site)) {
    return Doomed{};
  }
  const trace::Ref lock = FindLock(object);
  if (lock != 0 && object.locked) {
    Thread* holder = FindHolder(lock, nullptr);
    if (holder != nullptr) {
      RecordEvent(entry.thread(), trace::EventKind::kDestroyInUse, lock, holder->ref, 0,
                  StackOf(entry.thread(), site), HeldStack(holder, lock));
    }
  }
  return Doomed{true, object};
}

}  // namespace

Doomed BeforeDestroy(pthread_mutex_t* mutex, const Site& site) {
  const Doomed doomed = BeforeDestroyOf(FactsOf(mutex), site);
  if (doomed.recorded && !MutexHasUsers(mutex)) {
    // libc is going to leave its mark; the fast path looks at the tag alone.
    SetTagClass(doomed.object, kOtherTag);
  }
  return doomed;
}

Doomed BeforeDestroy(pthread_rwlock_t* rwlock, const Site& site) {
  return IsReady() && IsReadable(rwlock, sizeof(*rwlock)) ? BeforeDestroyOf(FactsOf(rwlock), site) : Doomed{};
}

Doomed BeforeDestroy(pthread_spinlock_t* spinlock, const Site& site) {
  return IsReady() && IsReadable(const_cast<int*>(spinlock), sizeof(*spinlock))
             ? BeforeDestroyOf(FactsOf(spinlock), site)
             : Doomed{};
}

Doomed BeforeDestroy(sem_t* semaphore, const Site& site) {
  const Entry entry(Entry::Open::kOnlyIfOpen);
  if (!entry || !IsReadable(semaphore, sizeof(*semaphore))) {
    return Doomed{};
  }
  const ObjectFacts object = FactsOf(semaphore);
  if (RecordSecondDestroy(entry.thread(), object, site)) {
    return Doomed{};
  }
  const trace::Ref ref = FindLock(object);
  // A waiter for whom there is no post any more: value and waiters stand in one word that a woken waiter
  // changes as one.
  if (ref != 0 && SemaphoreValue(semaphore) == 0 && SemaphoreWaiters(semaphore) != 0) {
    Thread* waiter = FindWaiter(ref, g_trace.At<trace::LockRecord>(ref));
    if (waiter != nullptr) {
      RecordEvent(entry.thread(), trace::EventKind::kDestroyInUse, ref, waiter->ref, 0,
                  StackOf(entry.thread(), site), WaitStack(waiter));
    }
  }
  return Doomed{true, object};
}

Doomed BeforeDestroy(pthread_cond_t* condition, const Site& site) {
  const Entry entry(Entry::Open::kOnlyIfOpen);
  if (!entry) {
    return Doomed{};
  }
  const ObjectFacts object = FactsOf(condition);
  if (RecordSecondDestroy(entry.thread(), object, site)) {
    return Doomed{};
  }
  const trace::Ref ref = FindLock(object);
  if (ref != 0) {
    Thread* waiter = FindWaiter(ref, g_trace.At<trace::LockRecord>(ref));
    if (waiter != nullptr) {
      RecordEvent(entry.thread(), trace::EventKind::kDestroyInUse, ref, waiter->ref, 0,
                  StackOf(entry.thread(), site), WaitStack(waiter));
    }
  }
  return Doomed{true, object};
}

void RecordSemaphoreMisuse(sem_t* semaphore, int64_t value, const Site& site) {
  const Entry entry(Entry::Open::kOnlyIfOpen);
  if (entry) {
    RecordEvent(entry.thread(), {.kind = trace::EventKind::kSemaphoreMisuse,
                                 .object = semaphore == nullptr ? 0 : FindLock(FactsOf(semaphore)),
                                 .value = value,
                                 .stack = StackOf(entry.thread(), site)});
  }
}

void WipeTag(sem_t* semaphore) {
  if (g_config.use_tags) {
    __atomic_store_n(SemaphoreTag(semaphore), 0, __ATOMIC_RELAXED);
  }
}

void AfterDestroy(const Doomed& doomed, bool destroyed) {
  if (!doomed.recorded || !destroyed) {
    return;
  }
  const Entry entry(Entry::Open::kOnlyIfOpen);
  if (entry) {
    EndLifetime(doomed.object);
  }
}

namespace {

// What is held in memory that is no longer there is not held: as a fact worth telling (`call` is what took
// the memory away), or in silence.
void LetGoOf(uintptr_t low, size_t bytes, const char* call, const Site& site) {
  if (!IsReady()) {
    return;
  }
  const Entry entry(Entry::Open::kOnlyIfOpen);
  if (!entry) {
    return;
  }
  ForEachUse(low, bytes, [&](const Use& use) {
    if (call != nullptr) {
      RecordEvent(entry.thread(), {.kind = trace::EventKind::kUnmapInUse,
                                   .object = use.object,
                                   .other = use.thread->ref,
                                   .stack = StackOf(entry.thread(), site),
                                   .other_stack = use.stack,
                                   .text = call});
    }
    auto* record = g_trace.At<trace::LockRecord>(use.object);
    record->flags |= trace::kHandOff;
    if (use.thread == entry.thread()) {
      DropHeld(use.thread, use.object);
    }
    return true;
  });
  ForgetRange(low, bytes);
  ForgetMapping();
}

}  // namespace

void BeforeUnmap(void* start, size_t bytes, const char* call, const Site& site) {
  LetGoOf(reinterpret_cast<uintptr_t>(start), bytes, call, site);
}

Attempt BeginClose(FILE* stream, const Site& site) {
  trace::Ref lock = 0;
  {
    const Entry entry(Entry::Open::kOnlyIfOpen);
    if (!entry || g_image->untagged == 0) {
      return Attempt{};
    }
    const ObjectFacts object{stream, trace::LockKind::kStream, 0, nullptr, 0, false};
    lock = FindLock(object);
    if (lock == 0) {
      return Attempt{};
    }
    if (FindHolder(lock, entry.thread()) == nullptr) {
      // Before the call: its memory may be another stream as soon as it is closed.
      DropHeld(entry.thread(), lock);
      RetireLock(lock);
      return Attempt{};
    }
  }
  return BeginAcquire(FactsOf(stream), trace::Mode::kExclusive, Blocking::kForever, site);
}

void EndClose(const Attempt& attempt) {
  if (attempt.thread == nullptr) {
    return;
  }
  EndAcquire(attempt, false);
  const Entry entry(Entry::Open::kOnlyIfOpen);
  if (entry && entry.thread() == attempt.thread) {
    RetireLock(attempt.lock);
  }
}

size_t MappedFrom(const void* start) {
  const Entry entry(Entry::Open::kOnlyIfOpen);
  const auto low = reinterpret_cast<uintptr_t>(start);
  Mapping mapping{};
  return entry && FindMapping(low, &mapping) ? mapping.end - low : 0;
}

void AfterMove(void* start, size_t bytes, const Site& site) {
  LetGoOf(reinterpret_cast<uintptr_t>(start), bytes, nullptr, site);
}

}  // namespace gordian::record
