#include "libsync/record/events.h"

#include <cstring>

#include "libsync/record/locks.h"

namespace gordian::record {
namespace {

void KeepIfLock(trace::Ref object) {
  if (object != 0) {
    KeepLock(g_trace.At<trace::LockRecord>(object));
  }
}

}  // namespace

trace::EventRecord* AppendEvent(Thread* thread, const NewEvent& event, trace::Ref* appended) {
  const trace::Ref text = event.text == nullptr ? 0 : RecordText(event.text);
  trace::Ref ref = 0;
  auto* record = g_trace.Append<trace::EventRecord>(trace::Type::kEvent, 0, &ref);
  if (record == nullptr) {
    return nullptr;
  }
  record->kind = static_cast<uint32_t>(event.kind);
  record->thread = thread->ref;
  record->object = event.object;
  record->object2 = event.object2;
  record->other = event.other;
  record->value = event.value;
  record->stack = event.stack;
  record->other_stack = event.other_stack;
  record->error = static_cast<uint32_t>(event.error);
  record->text = text;
  record->time_ns = NowNs();
  KeepIfLock(event.object);
  KeepIfLock(event.object2);
  g_trace.Commit(record);
  if (appended != nullptr) {
    *appended = ref;
  }
  return record;
}

trace::EventRecord* RecordEvent(Thread* thread, const NewEvent& event) {
  const uint64_t key = MixBits(uint64_t{event.stack} << 8 | static_cast<uint64_t>(event.kind)) | 1;
  const uint64_t last_key = MixBits(~key) | 1;
  const uint64_t number = g_image->events.Add(&g_image->arena, key, 1);
  if (number > kEventsPerPlace) {
    // Counted, so that nobody takes the bound for the number.
    if (const uint64_t last = g_image->durations.Find(last_key); last != 0) {
      auto* record = g_trace.At<trace::EventRecord>(static_cast<trace::Ref>(last));
      __atomic_fetch_add(&record->repeats, 1, __ATOMIC_RELAXED);
    }
    return nullptr;
  }
  trace::Ref ref = 0;
  trace::EventRecord* record = AppendEvent(thread, event, &ref);
  if (record != nullptr && number == kEventsPerPlace) {
    g_image->durations.Put(&g_image->arena, last_key, ref);
  }
  return record;
}

void RecordEvent(Thread* thread, trace::EventKind kind, trace::Ref object, trace::Ref other, int64_t value,
                 trace::Ref stack, trace::Ref other_stack) {
  RecordEvent(thread, NewEvent{.kind = kind,
                               .object = object,
                               .other = other,
                               .value = value,
                               .stack = stack,
                               .other_stack = other_stack});
}

void RecordDuration(Thread* thread, const NewEvent& event) {
  const uint64_t places = MixBits(uint64_t{event.stack} << 32 | event.other_stack);
  const uint64_t key = MixBits(places ^ ClassOf(g_trace.At<trace::LockRecord>(event.object)) ^
                               static_cast<uint64_t>(event.kind)) |
                       1;
  if (const uint64_t known = g_image->durations.Find(key); known != 0) {
    auto* record = g_trace.At<trace::EventRecord>(static_cast<trace::Ref>(known));
    __atomic_fetch_add(&record->repeats, 1, __ATOMIC_RELAXED);
    if (event.value > record->value) {
      // Of two threads that come at once, one is told of.
      KeepIfLock(event.object);
      record->object = event.object;
      record->thread = thread->ref;
      record->value = event.value;
    }
    return;
  }
  if (trace::Ref ref = 0; AppendEvent(thread, event, &ref) != nullptr) {
    g_image->durations.Put(&g_image->arena, key, ref);
  }
}

trace::Ref RecordText(const char* text) {
  const size_t bytes = strlen(text);
  uint64_t key = bytes;
  for (size_t i = 0; i < bytes; ++i) {
    key = MixBits(key ^ static_cast<unsigned char>(text[i]));
  }
  key |= 1;
  if (const uint64_t known = g_image->texts.Find(key); known != 0) {
    return static_cast<trace::Ref>(known);
  }
  trace::Ref ref = 0;
  auto* record = g_trace.Append<trace::StringRecord>(trace::Type::kString, bytes, &ref);
  if (record == nullptr) {
    return 0;
  }
  record->bytes = static_cast<uint32_t>(bytes);
  memcpy(record->text, text, bytes);
  g_trace.Commit(record, false);
  g_image->texts.Put(&g_image->arena, key, ref);
  return ref;
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
