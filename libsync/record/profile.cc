#include "libsync/record/profile.h"

#include <cpuid.h>

#include <cstring>

#include "libsync/record/acquire.h"
#include "libsync/record/holdings.h"
#include "libsync/record/locks.h"

namespace gordian::record {

constinit bool g_counts_ticks = false;
constinit uint64_t g_last_ticks = 0;

namespace {

// An image has so many records for single slots, and as many again that all threads share.
constexpr uint64_t kMostOwnProfiles = 4096;
constexpr uint64_t kMostProfiles = 2 * kMostOwnProfiles;

// APM, "Advanced Power Management Information": the counter runs at one rate whatever the processor does.
constexpr unsigned kPowerLeaf = 0x80000007;
constexpr unsigned kInvariantBit = 1u << 8;

// The clock and the counter at one moment, unless the thread was held up between them each time.
trace::ClockReading Read() {
  trace::ClockReading best{};
  uint64_t shortest = UINT64_MAX;
  for (int tries = 0; tries < 4; ++tries) {
    const uint64_t before = ProfileTicks();
    const uint64_t ns = NowNs();
    const uint64_t after = ProfileTicks();
    if (after - before < shortest) {
      shortest = after - before;
      best = {before + shortest / 2, ns};
    }
  }
  return best;
}

bool IsProfiled(const trace::LockRecord* lock) {
  switch (static_cast<trace::LockKind>(lock->kind)) {
    case trace::LockKind::kMutex:
    case trace::LockKind::kRecursiveMutex:
    case trace::LockKind::kErrorcheckMutex:
    case trace::LockKind::kAdaptiveMutex:
    case trace::LockKind::kRwlock:
    case trace::LockKind::kWriterRwlock:
    case trace::LockKind::kSpinlock:
    case trace::LockKind::kSemaphore:
    case trace::LockKind::kNamedSemaphore:
    case trace::LockKind::kStream:
      return true;
    default:
      return false;
  }
}

trace::Ref Append(trace::Ref lock, trace::Ref stack, trace::Mode mode, bool shared) {
  trace::Ref ref = 0;
  auto* record = g_trace.AppendApart<trace::ProfileRecord>(trace::Type::kProfile, 0, &ref);
  if (record == nullptr) {
    return 0;
  }
  record->lock = lock;
  record->stack = stack;
  record->mode = static_cast<uint8_t>(mode);
  record->shared = static_cast<uint8_t>(shared);
  if (lock != 0) {
    KeepLock(g_trace.At<trace::LockRecord>(lock));
  }
  g_trace.Commit(record);
  RecordLastReading();
  return ref;
}

// The record of `key`, made if there are fewer than `most`; 0: there is none.
trace::Ref FindOrAppend(uint64_t key, uint64_t most, trace::Ref lock, trace::Ref stack, trace::Mode mode,
                        bool shared) {
  Table& table = g_image->profiles.For(key);
  auto ref = static_cast<trace::Ref>(table.Find(key));
  if (ref == 0 && __atomic_load_n(&g_image->profile_count, __ATOMIC_RELAXED) < most) {
    __atomic_fetch_add(&g_image->profile_count, 1, __ATOMIC_RELAXED);
    ref = Append(lock, stack, mode, shared);
    table.Put(&g_image->arena, key, ref);
  }
  return ref;
}

// One of the class and place: this slot's own while there is room, then everybody's.
trace::Ref FindOrAppend(const Thread* thread, trace::Ref lock, trace::Ref stack, trace::Mode mode) {
  const uint64_t place = MixBits(ClassOf(g_trace.At<trace::LockRecord>(lock)) ^ stack);
  const uint64_t own = MixBits(place ^ reinterpret_cast<uintptr_t>(thread->own_slot));
  trace::Ref ref = FindOrAppend(own | 1, kMostOwnProfiles, lock, stack, mode, false);
  if (ref == 0) {
    ref = FindOrAppend(place | 1, kMostProfiles, lock, stack, mode, true);
  }
  if (ref == 0) {
    ref = __atomic_load_n(&g_image->other_profiles, __ATOMIC_RELAXED);
  }
  if (ref == 0) {
    ref = Append(0, 0, mode, true);
    __atomic_store_n(&g_image->other_profiles, ref, __ATOMIC_RELAXED);
  }
  return ref;
}

// REQUIRES: Thread::profiles is there.
trace::ProfileRecord* Learn(Thread* thread, KnownProfile* known, uint64_t holding, trace::Mode mode) {
  const auto lock = static_cast<trace::Ref>(holding);
  const auto* record = g_trace.At<trace::LockRecord>(lock);
  if (!IsProfiled(record)) {
    return nullptr;
  }
  // A handler on this thread must stay out while tables are locked.
  const bool inside = t_inside;
  t_inside = true;
  const trace::Ref ref = FindOrAppend(thread, lock, static_cast<trace::Ref>(holding >> 32), mode);
  t_inside = inside;
  if (ref == 0) {
    return nullptr;
  }
  *known = {holding, record->name, record->generation, g_trace.At<trace::ProfileRecord>(ref)};
  return known->record;
}

trace::ProfileRecord* ProfileOf(Thread* thread, uint64_t holding, trace::Mode mode) {
  if (thread->profiles == nullptr) {
    return nullptr;
  }
  KnownProfile* known = &thread->profiles[HoldingHash(holding) >> (64 - kProfileCacheBits)];
  const auto* lock = g_trace.At<trace::LockRecord>(static_cast<trace::Ref>(holding));
  return __builtin_expect(
             known->holding == holding && known->name == lock->name && known->generation == lock->generation,
             1)
             ? known->record
             : Learn(thread, known, holding, mode);
}

void Add(const trace::ProfileRecord* record, uint64_t* count, uint64_t amount) {
  if (record->shared != 0) {
    __atomic_fetch_add(count, amount, __ATOMIC_RELAXED);
  } else {
    *count += amount;
  }
}

void AddTime(const trace::ProfileRecord* record, uint64_t* total, uint64_t* most, uint64_t start,
             uint64_t now) {
  // Another processor's counter may be a little behind.
  const uint64_t ticks = now > start ? now - start : 0;
  Add(record, total, ticks);
  uint64_t former = __atomic_load_n(most, __ATOMIC_RELAXED);
  while (former < ticks &&
         !__atomic_compare_exchange_n(most, &former, ticks, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
  }
}

void AddWait(trace::ProfileRecord* record, uint64_t wait_start, uint64_t now) {
  if (wait_start != kFoundFree) {
    Add(record, &record->contended, 1);
    AddTime(record, &record->wait_ticks, &record->most_wait_ticks, wait_start, now);
  }
}

}  // namespace

void FindProfileClock() {
  unsigned a = 0;
  unsigned b = 0;
  unsigned c = 0;
  unsigned d = 0;
  g_counts_ticks = __get_cpuid(kPowerLeaf, &a, &b, &c, &d) != 0 && (d & kInvariantBit) != 0;
}

void StopProfileClock() { g_last_ticks = ProfileTicks(); }

void RecordFirstReading() {
  if (g_config.profiles && g_counts_ticks) {
    g_trace.header()->first_reading = g_trace.header()->last_reading = Read();
  }
}

void RecordLastReading() {
  if (g_config.profiles && g_counts_ticks && !g_no_syscalls) {
    g_trace.header()->last_reading = Read();
  }
}

void GrowProfiled(Thread* thread, uint32_t capacity) {
  if (!g_config.profiles) {
    return;
  }
  ProfiledHolding* former = thread->profiled;
  const size_t former_bytes = thread->held_capacity * sizeof(*former);
  auto* grown = static_cast<ProfiledHolding*>(g_image->arena.Allocate(capacity * sizeof(*former)));
  if (former != nullptr) {
    if (grown != nullptr) {
      memcpy(grown, former, former_bytes);
    }
    g_image->arena.Free(former, former_bytes);
  }
  thread->profiled = grown;
  if (thread->profiles == nullptr) {
    thread->profiles =
        static_cast<KnownProfile*>(g_image->arena.Allocate(sizeof(KnownProfile) * (1 << kProfileCacheBits)));
  }
}

void ProfileAcquired(Thread* thread, uint32_t index, uint64_t wait_start) {
  if (thread->profiled == nullptr) {
    return;
  }
  trace::HeldEntry* held = &thread->held[index];
  trace::ProfileRecord* record = ProfileOf(thread, *HoldingOf(held), static_cast<trace::Mode>(held->mode));
  ProfiledHolding* holding = &thread->profiled[index];
  holding->record = record;
  if (record == nullptr) {
    return;
  }
  Add(record, &record->acquisitions, 1);
  holding->since = ProfileTicks();
  AddWait(record, wait_start, holding->since);
}

void ProfileGivenUp(Thread* thread, trace::Ref lock, trace::Ref stack, trace::Mode mode,
                    uint64_t wait_start) {
  trace::ProfileRecord* record =
      wait_start == kFoundFree ? nullptr : ProfileOf(thread, uint64_t{stack} << 32 | lock, mode);
  if (record != nullptr) {
    AddWait(record, wait_start, ProfileTicks());
  }
}

void ProfileReleased(Thread* thread, uint32_t index) {
  if (thread->profiled == nullptr) {
    return;
  }
  const ProfiledHolding& holding = thread->profiled[index];
  if (trace::ProfileRecord* record = holding.record; record != nullptr) {
    AddTime(record, &record->hold_ticks, &record->most_hold_ticks, holding.since, ProfileTicks());
  }
}

}  // namespace gordian::record
