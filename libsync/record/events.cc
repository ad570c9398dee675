#include "libsync/record/events.h"

#include "libsync/record/locks.h"

namespace gordian::record {

void RecordEvent(Thread* thread, trace::EventKind kind, trace::Ref object, trace::Ref other, int64_t value,
                 trace::Ref stack, trace::Ref other_stack) {
  const uint64_t key = MixBits(uint64_t{stack} << 8 | static_cast<uint64_t>(kind)) | 1;
  if (g_image->events.Add(&g_image->arena, key, 1) > kEventsPerPlace) {
    return;
  }
  trace::Ref ref = 0;
  auto* record = g_trace.Append<trace::EventRecord>(trace::Type::kEvent, 0, &ref);
  if (record == nullptr) {
    return;
  }
  record->kind = static_cast<uint32_t>(kind);
  record->thread = thread->ref;
  record->object = object;
  record->other = other;
  record->value = value;
  record->stack = stack;
  record->other_stack = other_stack;
  record->time_ns = NowNs();
  if (object != 0) {
    KeepLock(g_trace.At<trace::LockRecord>(object));
  }
  g_trace.Commit(record);
}

trace::Ref HeldStack(const Thread* holder, trace::Ref lock) {
  for (uint32_t i = 0; holder != nullptr && i < holder->own_slot->held_count && i < holder->held_capacity;
       ++i) {
    if (holder->held[i].lock == lock) {
      return holder->held[i].stack;
    }
  }
  return 0;
}

}  // namespace gordian::record
