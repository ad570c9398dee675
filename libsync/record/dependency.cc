#include "libsync/record/dependency.h"

#include "libsync/record/acquire.h"
#include "libsync/record/handlers.h"
#include "libsync/record/locks.h"

namespace gordian::record {
namespace {

// The wanted thing is a thread or a child.
bool NamesNoLock(uint32_t flags) { return (flags & (trace::kAwaitsThread | trace::kAwaitsChild)) != 0; }

uint64_t PlaceKey(trace::Ref stack, trace::Mode mode, uint32_t flags) {
  return MixBits(uint64_t{stack} << 16 | uint64_t{flags & 0xFF} << 8 | static_cast<uint64_t>(mode));
}

struct Keys {
  uint64_t instance;  // thread, held locks, lock, places
  uint64_t chain;     // classes of the same, places; no thread
};

// Commutative over the held set: its order says nothing.
Keys KeysOf(const Thread* thread, trace::Ref lock, trace::Ref stack, trace::Mode mode, uint32_t flags,
            trace::Ref without) {
  uint64_t held_locks = 0;
  uint64_t held_classes = 0;
  for (uint32_t i = 0; i < thread->own_slot->held_count; ++i) {
    const trace::HeldEntry& entry = thread->held[i];
    if (entry.lock == 0 || entry.lock == without) {
      continue;
    }
    held_locks += MixBits(uint64_t{entry.lock} << 32 | entry.stack) ^ entry.mode;
    held_classes += MixBits(ClassOf(g_trace.At<trace::LockRecord>(entry.lock)) ^ entry.stack);
  }
  const uint64_t place = PlaceKey(stack, mode, flags);
  const uint64_t wanted = NamesNoLock(flags) ? 0 : ClassOf(g_trace.At<trace::LockRecord>(lock));
  Keys keys;
  keys.instance = MixBits(held_locks ^ MixBits(uint64_t{lock} << 32 | thread->ref) ^ place) | 1;
  keys.chain = MixBits(held_classes ^ wanted ^ place) | 1;
  return keys;
}

// Hand-overs make many segments between two creates or joins: they must not take the room of all others.
constexpr uint32_t kSamplesBetweenEnforced = 4;

void AddSegment(trace::DependencyRecord* record, uint32_t segment, uint32_t enforced_segment) {
  const uint32_t count = record->segment_count;
  if (count != 0 && record->segments[count - 1] == segment) {
    return;
  }
  const bool crowded = count >= kSamplesBetweenEnforced &&
                       record->segments[count - kSamplesBetweenEnforced] >= enforced_segment;
  if (crowded) {
    record->segments[count - 1] = segment;
  } else if (count < trace::kSegmentSamples) {
    record->segments[count] = segment;
    __atomic_store_n(&record->segment_count, count + 1, __ATOMIC_RELEASE);
  } else {
    record->segments[trace::kSegmentSamples - 1] = segment;
  }
}

void Observe(trace::DependencyRecord* record, const Thread* thread) {
  ++record->count;
  record->last_ns = NowNs();
  AddSegment(record, thread->own_slot->segment, thread->enforced_segment);
  if ((record->flags & (trace::kInHandler | trace::kFolded)) == 0) {
    record->signals |= OpenSignals(~record->signals);
  }
}

trace::Ref Append(Thread* thread, trace::Ref lock, trace::Ref stack, trace::Mode mode, uint32_t flags,
                  trace::Ref without) {
  const uint32_t most = thread->own_slot->held_count;
  trace::Ref ref = 0;
  auto* record = g_trace.Append<trace::DependencyRecord>(
      trace::Type::kDependency, (most > 0 ? most - 1 : 0) * sizeof(trace::HeldEntry), &ref);
  if (record == nullptr) {
    return 0;
  }
  record->thread = thread->ref;
  record->lock = lock;
  record->stack = stack;
  record->flags = flags;
  record->mode = static_cast<uint8_t>(mode);
  record->count = 1;
  record->signals = HandlerSignals(stack);
  if (record->signals != 0) {
    record->flags |= trace::kInHandler;
  } else {
    record->signals = OpenSignals(~uint64_t{0});
  }
  record->first_ns = record->last_ns = NowNs();
  record->segments[0] = thread->own_slot->segment;
  record->segment_count = 1;
  for (uint32_t i = 0; i < most; ++i) {
    const trace::HeldEntry& entry = thread->held[i];
    if (entry.lock != 0 && entry.lock != without) {
      record->held[record->held_count++] = entry;
      KeepLock(g_trace.At<trace::LockRecord>(entry.lock));
    }
  }
  if (!NamesNoLock(flags)) {
    KeepLock(g_trace.At<trace::LockRecord>(lock));
  }
  g_trace.Commit(record);
  return ref;
}

trace::Ref RecordWithManyHeld(Thread* thread, trace::Ref lock, trace::Ref stack, trace::Mode mode,
                              uint32_t flags, trace::Ref without) {
  const auto doublings = static_cast<uint64_t>(__builtin_clz(thread->own_slot->held_count));
  const uint64_t wanted = NamesNoLock(flags) ? 0 : ClassOf(g_trace.At<trace::LockRecord>(lock));
  const uint64_t key =
      MixBits(MixBits(wanted ^ thread->ref) ^ doublings << 56 ^ PlaceKey(stack, mode, flags)) | 1;
  Table& folded = g_image->folded.For(key);
  auto ref = static_cast<trace::Ref>(folded.Find(key));
  if (ref != 0) {
    __atomic_fetch_add(&g_trace.header()->counters.dependencies_folded, 1, __ATOMIC_RELAXED);
    Observe(g_trace.At<trace::DependencyRecord>(ref), thread);
    return ref;
  }
  ref = Append(thread, lock, stack, mode, flags | trace::kFolded, without);
  folded.Put(&g_image->arena, key, ref);
  return ref;
}

}  // namespace

trace::Ref RecordDependency(Thread* thread, trace::Ref lock, trace::Ref stack, trace::Mode mode,
                            uint32_t flags, trace::Ref without) {
  ++thread->order_facts;
  if (thread->own_slot->held_count > kManyHeld) {
    return RecordWithManyHeld(thread, lock, stack, mode, flags, without);
  }
  const Keys keys = KeysOf(thread, lock, stack, mode, flags, without);
  Table& known = g_image->dependencies.For(keys.instance);
  trace::Ref ref = static_cast<trace::Ref>(known.Find(keys.instance));
  if (ref != 0) {
    Observe(g_trace.At<trace::DependencyRecord>(ref), thread);
    return ref;
  }
  const uint64_t thread_chain = MixBits(keys.chain ^ thread->ref) | 1;
  Table& of_thread = g_image->chains.For(thread_chain);
  Table& of_process = g_image->chains.For(keys.chain);
  Table& folded = g_image->folded.For(thread_chain);
  if (of_thread.Find(thread_chain) >= kInstancesPerThread ||
      of_process.Find(keys.chain) >= kInstancesPerProcess) {
    if (thread->own_slot->held_count == 0) {
      return 0;  // one more thread that uses the same lock says nothing new, and threads may come without end
    }
    __atomic_fetch_add(&g_trace.header()->counters.dependencies_folded, 1, __ATOMIC_RELAXED);
    ref = static_cast<trace::Ref>(folded.Find(thread_chain));
    if (ref != 0) {
      Observe(g_trace.At<trace::DependencyRecord>(ref), thread);
      return ref;
    }
    ref = Append(thread, lock, stack, mode, flags | trace::kFolded, without);
    folded.Put(&g_image->arena, thread_chain, ref);
    return ref;
  }
  ref = Append(thread, lock, stack, mode, flags, without);
  if (ref != 0) {
    known.Put(&g_image->arena, keys.instance, ref);
    of_thread.Add(&g_image->arena, thread_chain, 1);
    of_process.Add(&g_image->arena, keys.chain, 1);
  }
  return ref;
}

}  // namespace gordian::record
