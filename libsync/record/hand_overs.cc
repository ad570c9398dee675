#include "libsync/record/hand_overs.h"

#include "libsync/record/acquire.h"
#include "libsync/record/events.h"

namespace gordian::record {
namespace {

constexpr uint64_t kOnceKey = 0xD1B54A32D192ED03u;

// Counts; false once it was enough.
bool MayRecord(trace::LockRecord* record, trace::Ref object, trace::EventKind kind) {
  if ((record->flags & trace::kOrderLost) != 0) {
    return false;
  }
  const uint64_t key = MixBits(uint64_t{object} << 8 | static_cast<uint64_t>(kind)) | 1;
  // Sockets come and go: they shall not take the room of all others.
  uint64_t* total = record->kind == static_cast<uint8_t>(trace::LockKind::kChannel)
                        ? &g_image->channel_hand_overs
                        : &g_image->hand_overs;
  const bool comes_once = record->kind == static_cast<uint8_t>(trace::LockKind::kOnce);
  if ((comes_once || g_image->events.Add(&g_image->arena, key, 1) <= kMostHandOvers) &&
      __atomic_add_fetch(total, 1, __ATOMIC_RELAXED) <= kMostOfImage) {
    return true;
  }
  record->flags |= trace::kOrderLost;
  return false;
}

// True the first time that the thread asks.
bool IsNewTo(Thread* thread, uintptr_t once) {
  const uint64_t key = MixBits(once ^ kOnceKey) | 1;
  if (IsRemembered(thread, key)) {
    return false;
  }
  CacheEntry entry{};
  entry.key = key;
  Remember(thread, entry);
  return true;
}

}  // namespace

void RecordGave(Thread* thread, trace::Ref object, int64_t value) {
  auto* record = g_trace.At<trace::LockRecord>(object);
  if (MayRecord(record, object, trace::EventKind::kGave)) {
    AppendEvent(thread, NewEvent{.kind = trace::EventKind::kGave,
                                 .object = object,
                                 .value = value,
                                 .error = static_cast<int>(thread->own_slot->segment)});
    NextSegment(thread);
  }
}

void RecordTook(trace::Ref object, int64_t value) {
  auto* record = g_trace.At<trace::LockRecord>(object);
  if ((record->flags & trace::kOrderLost) != 0) {
    return;
  }
  const Entry entry(Entry::Open::kOnlyIfOpen);
  if (entry) {
    RecordTook(entry.thread(), object, value);
  }
}

trace::EventRecord* RecordTook(Thread* thread, trace::Ref object, int64_t value) {
  if (!MayRecord(g_trace.At<trace::LockRecord>(object), object, trace::EventKind::kTook)) {
    return nullptr;
  }
  return AppendEvent(thread, NewEvent{.kind = trace::EventKind::kTook,
                                      .object = object,
                                      .value = value,
                                      .error = static_cast<int>(NextSegment(thread))});
}

void NoteOrder(Thread* thread) {
  thread->order_mark = static_cast<trace::Ref>(g_trace.used() / trace::kRecordAlign);
}

void RecordOnceDone(Thread* thread, trace::Ref once, bool took_locks) {
  const uint64_t address = g_trace.At<trace::LockRecord>(once)->address;
  if (took_locks) {
    IsNewTo(thread, address);
    RecordGave(thread, once, 0);
    g_image->done_onces.Put(&g_image->arena, address, once);
    __atomic_fetch_add(&g_image->done_once_count, 1, __ATOMIC_RELEASE);
  } else if (g_image->done_once_count != 0) {
    g_image->done_onces.Clear(address);  // of another that was there before
  }
}

void PassDoneOnce(const pthread_once_t* once) {
  if (!IsReady() || __atomic_load_n(&g_image->done_once_count, __ATOMIC_ACQUIRE) == 0) {
    return;
  }
  const auto address = reinterpret_cast<uintptr_t>(once);
  if (t_thread->slot == nullptr || !IsNewTo(t_thread, address)) {
    return;
  }
  if (const uint64_t done = g_image->done_onces.Find(address); done != 0) {
    RecordTook(static_cast<trace::Ref>(done), 0);
  }
}

}  // namespace gordian::record
