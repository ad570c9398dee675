#include "libsync/record/waits.h"

#include "libsync/record/acquire.h"
#include "libsync/record/dependency.h"
#include "libsync/record/hand_overs.h"
#include "libsync/record/locks.h"

namespace gordian::record {

Thread* BeginWait(Entry* entry, trace::WaitKind kind, trace::Ref object, int64_t value, bool timed,
                  trace::Ref stack) {
  if (!*entry) {
    return nullptr;
  }
  trace::SlotRecord* slot = (*entry)->own_slot;
  slot->wait_object = object;
  slot->wait_object2 = 0;
  slot->wait_stack = stack;
  slot->wait_value = value;
  slot->wait_address = 0;
  PublishWait(slot, kind, timed ? trace::kTimed : 0, trace::Mode::kExclusive);
  return entry->thread();
}

void EndWait(Thread* thread) {
  if (thread == nullptr || thread != t_thread || thread->own_slot == nullptr) {
    return;
  }
  if (thread->own_slot->wait_kind == static_cast<uint8_t>(trace::WaitKind::kBarrier)) {
    NoteOrder(thread);
  }
  ClearWait(thread->own_slot);
}

namespace {

// What libstdc++ waits for at a guard: somebody is at it, and others wait (libsupc++/guard.cc).
constexpr uint32_t kAwaitedGuard = 0x10100;

ObjectFacts FactsOfWord(uintptr_t word) {
  return ObjectFacts{reinterpret_cast<void*>(word), trace::LockKind::kFutexWord, 0, nullptr, 0, false};
}

}  // namespace

FutexWait BeginFutexWait(uintptr_t word, uint32_t expected, bool timed, const Site& site) {
  const Entry entry(Entry::Open::kOnlyIfOpen);
  if (!entry) {
    return FutexWait{};
  }
  const trace::Ref stack = StackOf(entry.thread(), site);
  if (expected != kAwaitedGuard && g_image->events.Add(&g_image->arena, uint64_t{1} << 62 | stack, 1) == 1) {
    __atomic_fetch_add(&g_trace.header()->counters.futex_waits_unseen, 1, __ATOMIC_RELAXED);
  }
  FutexWait wait{entry.thread(), 0, 0};
  // Words come and go with their objects: none is kept that could tell nothing any more.
  if (__atomic_load_n(&g_image->hand_overs, __ATOMIC_RELAXED) < kMostOfImage) {
    wait.word = ResolveLock(entry.thread(), FactsOfWord(word));
  }
  if (wait.word != 0) {
    wait.wakes = __atomic_load_n(&g_trace.At<trace::LockRecord>(wait.word)->signals, __ATOMIC_RELAXED);
  }
  trace::SlotRecord* slot = entry->own_slot;
  slot->wait_object = 0;
  slot->wait_object2 = 0;
  slot->wait_stack = stack;
  slot->wait_value = 0;
  slot->wait_address = word;
  PublishWait(slot, trace::WaitKind::kFutex, timed ? trace::kTimed : 0, trace::Mode::kExclusive);
  return wait;
}

void EndFutexWait(const FutexWait& wait, bool woken) {
  if (wait.thread == nullptr || wait.thread != t_thread || wait.thread->own_slot == nullptr) {
    return;
  }
  NoteOrder(wait.thread);
  ClearWait(wait.thread->own_slot);
  if (woken && wait.word != 0) {
    RecordTook(wait.word, wait.wakes);
  }
}

void RecordFutexWake(uintptr_t word) {
  const Entry entry(Entry::Open::kOnlyIfOpen);
  const trace::Ref known = entry ? FindLock(FactsOfWord(word)) : 0;
  if (known != 0) {
    auto* record = g_trace.At<trace::LockRecord>(known);
    RecordGave(entry.thread(), known, __atomic_add_fetch(&record->signals, 1, __ATOMIC_RELAXED));
  }
}

void RecordAwaitedEnd(Thread* thread, trace::Ref whose, trace::DependencyFlags kind, trace::Ref stack) {
  if (whose != 0) {
    const uint32_t soft = whose < thread->order_mark ? trace::kSoftOrdered : 0u;
    RecordDependency(thread, whose, stack, trace::Mode::kExclusive, kind | soft, 0);
  }
}

}  // namespace gordian::record
