#include "libsync/record/durations.h"

#include <cstring>

#include "libsync/record/acquire.h"
#include "libsync/record/events.h"
#include "libsync/record/raw.h"

namespace gordian::record {

bool KeepsOthersOut(trace::Ref lock) {
  const auto* record = g_trace.At<trace::LockRecord>(lock);
  const auto kind = static_cast<trace::LockKind>(record->kind);
  return (record->flags & trace::kHandOff) == 0 && !IsFileLock(kind) &&
         (!IsSemaphore(kind) || (record->flags & trace::kLockLike) != 0);
}

void GrowHeldSince(Thread* thread, uint32_t capacity) {
  if (thread->held_since == nullptr) {
    return;
  }
  uint64_t* former = thread->held_since;
  const size_t former_bytes = thread->held_capacity * sizeof(*former);
  auto* grown = static_cast<uint64_t*>(g_image->arena.Allocate(capacity * sizeof(*former)));
  if (grown != nullptr) {
    memcpy(grown, former, former_bytes);
  }
  thread->held_since = grown;
  g_image->arena.Free(former, former_bytes);
}

void RecordHolding(Thread* thread, int index, const Site& site) {
  if (thread->held_since == nullptr) {
    return;
  }
  const uint64_t lasted_ns = NowNs() - thread->held_since[index];
  const trace::HeldEntry& entry = thread->held[index];
  if (lasted_ns > uint64_t{g_config.hold_ms} * 1'000'000 && KeepsOthersOut(entry.lock)) {
    RecordDuration(thread, {.kind = trace::EventKind::kLongHold,
                            .object = entry.lock,
                            .value = static_cast<int64_t>(lasted_ns),
                            .stack = StackOf(thread, site),
                            .other_stack = entry.stack});
  }
}

void RecordWait(trace::Ref lock, trace::Ref stack, uint64_t lasted_ns) {
  if (lasted_ns <= uint64_t{g_config.wait_ms} * 1'000'000) {
    return;
  }
  const Entry entry(Entry::Open::kOnlyIfOpen);
  if (entry && KeepsOthersOut(lock)) {
    RecordDuration(entry.thread(), {.kind = trace::EventKind::kLongWait,
                                    .object = lock,
                                    .value = static_cast<int64_t>(lasted_ns),
                                    .stack = stack});
  }
}

}  // namespace gordian::record
