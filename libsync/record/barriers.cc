#include "libsync/record/barriers.h"

#include "libsync/record/acquire.h"
#include "libsync/record/events.h"
#include "libsync/record/libc_facts.h"
#include "libsync/record/raw.h"
#include "libsync/record/waits.h"

namespace gordian::record {
namespace {

// A thread of the unfinished round. Others may still be on their way out of the last one: they are in
// nobody's way.
Thread* FindWaiter(pthread_barrier_t* barrier, trace::Ref ref) {
  Thread* waiter = nullptr;
  const int64_t round = BarrierRound(barrier);
  if (BarrierArrived(barrier) != 0) {
    ForEachThread([&](Thread* thread) {
      const trace::SlotRecord* slot = thread->own_slot;
      if (__atomic_load_n(&slot->wait_kind, __ATOMIC_RELAXED) ==
              static_cast<uint8_t>(trace::WaitKind::kBarrier) &&
          slot->wait_object == ref && slot->wait_value == round) {
        waiter = thread;
      }
    });
  }
  return waiter;
}

void RecordIfAwaited(Thread* thread, trace::EventKind kind, pthread_barrier_t* barrier, const Site& site) {
  const trace::Ref ref = FindLock(FactsOf(barrier));
  const Thread* waiter = ref == 0 ? nullptr : FindWaiter(barrier, ref);
  if (waiter != nullptr) {
    RecordEvent(thread, kind, ref, waiter->ref, BarrierCount(barrier), StackOf(thread, site),
                waiter->own_slot->wait_stack);
  }
}

void RecordPassage(Thread* thread, const BarrierWait& wait) {
  if (wait.round >= kMostRounds ||
      __atomic_add_fetch(&g_image->barrier_passages, 1, __ATOMIC_RELAXED) > kMostPassages) {
    return;
  }
  AppendEvent(thread, NewEvent{.kind = trace::EventKind::kBarrierPassed,
                               .object = wait.barrier,
                               .value = wait.round,
                               .error = static_cast<int>(NextSegment(thread))});
}

}  // namespace

BarrierWait BeginBarrierWait(pthread_barrier_t* barrier, const Site& site) {
  Entry entry;
  if (!entry) {
    return BarrierWait{};
  }
  const ObjectFacts facts = FactsOf(barrier);
  const trace::Ref ref = ResolveLock(entry.thread(), facts);
  if (ref == 0) {
    return BarrierWait{};
  }
  RecordIfDestroyed(entry.thread(), facts, ref, site);
  const trace::Ref stack = StackOf(entry.thread(), site);
  auto* record = g_trace.At<trace::LockRecord>(ref);
  if (record->first_stack == 0) {
    record->first_stack = stack;
  }
  record->takes = BarrierCount(barrier);
  const int64_t round = BarrierRound(barrier);
  BeginWait(&entry, trace::WaitKind::kBarrier, ref, round, false, stack);
  return BarrierWait{entry.thread(), ref, round};
}

void EndBarrierWait(const BarrierWait& wait, bool passed) {
  EndWait(wait.thread);
  if (wait.thread == nullptr || !passed) {
    return;
  }
  const Entry entry(Entry::Open::kOnlyIfOpen);
  if (entry && entry.thread() == wait.thread) {
    RecordPassage(entry.thread(), wait);
  }
}

void BeforeBarrierInit(pthread_barrier_t* barrier, unsigned count, const Site& site) {
  if (count == 0 || count > kMostBarrierCount) {
    return;  // libc refuses that before it looks at the barrier, which then may be anything
  }
  const Entry entry(Entry::Open::kOnlyIfOpen);
  if (entry) {
    RecordIfAwaited(entry.thread(), trace::EventKind::kBarrierMisuse, barrier, site);
  }
}

void AfterBarrierInit(pthread_barrier_t* barrier, unsigned count, bool made, const Site& site) {
  const Entry entry(Entry::Open::kOnlyIfOpen);
  if (!entry) {
    return;
  }
  const trace::Ref stack = StackOf(entry.thread(), site);
  if (made) {
    const trace::Ref ref = BeginLifetime(entry.thread(), FactsOf(barrier), stack);
    if (ref != 0) {
      g_trace.At<trace::LockRecord>(ref)->takes = static_cast<int32_t>(count);
    }
  } else if ((count == 0 || count > kMostBarrierCount) && IsReadable(barrier, sizeof(*barrier))) {
    RecordEvent(entry.thread(), trace::EventKind::kBarrierMisuse,
                ResolveLock(entry.thread(), FactsOf(barrier)), 0, count, stack, 0);
  }
}

Doomed BeforeBarrierDestroy(pthread_barrier_t* barrier, const Site& site) {
  const Entry entry(Entry::Open::kOnlyIfOpen);
  if (!entry) {
    return Doomed{};
  }
  RecordIfAwaited(entry.thread(), trace::EventKind::kDestroyInUse, barrier, site);
  return Doomed{true, FactsOf(barrier)};
}

}  // namespace gordian::record
