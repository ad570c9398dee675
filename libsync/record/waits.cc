#include "libsync/record/waits.h"

#include "libsync/record/acquire.h"
#include "libsync/record/dependency.h"
#include "libsync/record/hand_overs.h"

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

Thread* BeginFutexWait(uintptr_t word, bool timed, const Site& site) {
  Entry entry(Entry::Open::kOnlyIfOpen);
  if (!entry) {
    return nullptr;
  }
  const trace::Ref stack = StackOf(entry.thread(), site);
  if (g_image->events.Add(&g_image->arena, uint64_t{1} << 62 | stack, 1) == 1) {
    __atomic_fetch_add(&g_trace.header()->counters.futex_waits_unseen, 1, __ATOMIC_RELAXED);
  }
  trace::SlotRecord* slot = entry->own_slot;
  slot->wait_object = 0;
  slot->wait_object2 = 0;
  slot->wait_stack = stack;
  slot->wait_value = 0;
  slot->wait_address = word;
  PublishWait(slot, trace::WaitKind::kFutex, timed ? trace::kTimed : 0, trace::Mode::kExclusive);
  return entry.thread();
}

void EndWait(Thread* thread) {
  if (thread == nullptr || thread != t_thread || thread->own_slot == nullptr) {
    return;
  }
  const auto kind = static_cast<trace::WaitKind>(thread->own_slot->wait_kind);
  if (kind == trace::WaitKind::kBarrier || kind == trace::WaitKind::kFutex) {
    NoteOrder(thread);
  }
  ClearWait(thread->own_slot);
}

void RecordAwaitedEnd(Thread* thread, trace::Ref whose, trace::DependencyFlags kind, trace::Ref stack) {
  if (whose != 0) {
    const uint32_t soft = whose < thread->order_mark ? trace::kSoftOrdered : 0u;
    RecordDependency(thread, whose, stack, trace::Mode::kExclusive, kind | soft, 0);
  }
}

}  // namespace gordian::record
