// Acquire, release, wait: what a hook says around the real call.
//
//     const Attempt attempt = BeginAcquire(FactsOf(mutex), Mode::kExclusive, Blocking::kForever,
//     CALL_SITE()); const int result = REAL(pthread_mutex_lock)(mutex); EndAcquire(attempt, result == 0 ||
//     result == EOWNERDEAD);
//
// The fast path of a plain mutex (everything known: the lock's tag, the place, the situation) touches the
// lock and memory of this thread, nothing else: no atomic read-modify-write, no system call, no stack.
// Everything is plain stores; a reader believes them when two looks agree. A handler of a signal may
// interrupt between any two stores, so a slot of the holdings is taken before it is filled.
//
// Dependencies are recorded before the real call, so that one that blocks for good is in the trace.
#ifndef GORDIAN_LIBSYNC_RECORD_ACQUIRE_H_
#define GORDIAN_LIBSYNC_RECORD_ACQUIRE_H_

#include <pthread.h>

#include <cstdint>

#include "libsync/record/holdings.h"
#include "libsync/record/libc_facts.h"
#include "libsync/record/locks.h"
#include "libsync/record/stack.h"
#include "libsync/record/thread.h"
#include "libsync/trace/layout.h"

namespace gordian::record {

// kForever may never return; kTimed ends by itself; kTry does not wait; kFirstTry does not either, but its
// caller waits for ever if it fails.
enum class Blocking : uint8_t { kForever, kTimed, kTry, kFirstTry };
constexpr bool IsTry(Blocking blocking) {
  return blocking == Blocking::kTry || blocking == Blocking::kFirstTry;
}
constexpr bool WaitsForEver(Blocking blocking) {
  return blocking == Blocking::kForever || blocking == Blocking::kFirstTry;
}

// An acquisition between its beginning and its end. thread == nullptr: unrecorded.
struct Attempt {
  Thread* thread;
  trace::Ref lock;
  trace::Ref stack;
  trace::Mode mode;
  bool again;           // the thread holds it already
  uint64_t start_ns;    // where waits are timed; else 0
  uint64_t wait_start;  // where they are profiled (profile.h); else 0
};

// Which way into the inline fast paths: `slot`, or `profiled_slot` where `slot` is always null.
using Way = trace::SlotRecord* Thread::*;

// One to one for places in one module: the return address fills the low half, the frame the high one.
inline uint64_t SiteKey(const Site& site) {
  return (site.return_address ^ (site.frame << 32 | site.frame >> 32)) * 0x9E3779B97F4A7C15u;
}
// One place may call several functions (through a pointer): 0 for the most common.
inline uint64_t CallKey(trace::Mode mode, Blocking blocking) {
  return (static_cast<uint64_t>(mode) - 1 + static_cast<uint64_t>(blocking) * 2) << 1;
}
// A copy of the entry if it is the one of that key. A handler that comes between two loads may put another
// situation there, and callers of that one, read from this frame, may lie outside the stack: the key is
// looked at last, so the copy is one entry's or none's. What writes an entry is inside the recorder, where
// handlers look nothing up.
__attribute__((always_inline)) inline bool CopyIfOf(const CacheEntry& entry, uint64_t key, CacheEntry* copy) {
  *copy = entry;
  __atomic_signal_fence(__ATOMIC_SEQ_CST);
  return __builtin_expect(__atomic_load_n(&entry.key, __ATOMIC_RELAXED) == key, 1);
}
// A situation lies in the place that its key names, or in that one's neighbour once another one came there.
// False: it is not remembered, and *copy says nothing.
__attribute__((always_inline)) inline bool FindRemembered(const Thread* thread, uint64_t key,
                                                          CacheEntry* copy) {
  const uint64_t place = key >> (64 - kCacheBits);
  return CopyIfOf(thread->cache[place], key, copy) || CopyIfOf(thread->cache[place ^ 1], key, copy);
}
inline bool IsRemembered(const Thread* thread, uint64_t key) {
  CacheEntry unused;
  return FindRemembered(thread, key, &unused);
}
// Who stands in its own place moves aside; who moved there gives way, or two neighbours would drive each
// other out for good.
inline void Remember(Thread* thread, const CacheEntry& entry) {
  const uint64_t place = entry.key >> (64 - kCacheBits);
  const uint64_t former = thread->cache[place].key;
  if (former != entry.key && former != 0 && former >> (64 - kCacheBits) == place) {
    thread->cache[place ^ 1] = thread->cache[place];
  }
  thread->cache[place] = entry;
}

// One place that is come to by several ways has an entry for each: under the key of the place that of the
// first, beside it that of the second where there is room, and for others one whose key is made of the former
// and of the first caller that tells them apart.
inline CacheEntry* BesideFirst(Thread* thread, uint64_t key) {
  return &thread->cache[key >> (64 - kCacheBits) ^ 1];
}
inline bool IsBy(const CacheEntry& entry, const Site& site) {
  return CallerSum(site, entry.callers) == entry.caller_sum;
}
inline uint64_t DeeperKey(uint64_t key, const Site& site, const CacheEntry& entry, int level) {
  const auto* words = reinterpret_cast<const uint64_t*>(site.frame);
  return MixBits(key ^ words[entry.callers.word(level)]);
}
// Of other callers than those of *entry, which is of their place: then *entry is theirs.
bool FindOtherCallers(const Thread* thread, const Site& site, CacheEntry* entry);
void RememberForCallers(Thread* thread, const Site& site, CacheEntry entry);
// What is remembered of a situation for these callers, or only if they are the first or second that came.
// False: nothing.
enum class Tried { kFirst, kAll };
template <Tried kTried = Tried::kAll>
__attribute__((always_inline)) inline bool FindForCallers(Thread* thread, const Site& site, uint64_t key,
                                                          CacheEntry* entry) {
  if (__builtin_expect(!FindRemembered(thread, key, entry), 0)) {
    return false;
  }
  if (__builtin_expect(!IsBy(*entry, site), 0)) {
    if (CacheEntry second; CopyIfOf(*BesideFirst(thread, key), key, &second) && IsBy(second, site)) {
      *entry = second;
      return true;
    }
    return kTried == Tried::kAll && FindOtherCallers(thread, site, entry);
  }
  return true;
}

// The key of a situation when something is held, from that of the place: what is held, since which order, and
// what is wanted. Mixed, since records lie at even distances.
inline uint64_t NestedKey(const Thread* thread, uint64_t place, uint64_t held_hash, trace::Ref lock) {
  const uint64_t key = place ^ held_hash ^ thread->segment_hash ^ lock * 0xD6E8FEB86659FD93u;
  return (key ^ key >> 32) * 0x9E3779B97F4A7C15u;
}

static_assert(offsetof(trace::SlotRecord, wait_object) == offsetof(trace::SlotRecord, wait_kind) + 4);
static_assert(offsetof(trace::SlotRecord, wait_kind) % sizeof(Pair) == 0);
// One store that carries kind, flags and mode together, last when a wait begins and first when it ends.
inline uint32_t WaitWord(trace::WaitKind kind, uint8_t flags, trace::Mode mode) {
  return static_cast<uint32_t>(kind) | static_cast<uint32_t>(flags) << 8 | static_cast<uint32_t>(mode) << 16;
}
inline void PublishWait(trace::SlotRecord* slot, trace::WaitKind kind, uint8_t flags, trace::Mode mode) {
  __atomic_signal_fence(__ATOMIC_SEQ_CST);
  __atomic_store_n(reinterpret_cast<uint32_t*>(&slot->wait_kind), WaitWord(kind, flags, mode),
                   __ATOMIC_RELAXED);
  __atomic_signal_fence(__ATOMIC_SEQ_CST);
}
inline void ClearWait(trace::SlotRecord* slot) {
  PublishWait(slot, trace::WaitKind::kNone, 0, trace::Mode{});
}

inline void PublishLockWait(trace::SlotRecord* slot, trace::Ref lock, trace::Ref stack, trace::Mode mode,
                            uint8_t flags) {
  slot->wait_stack = stack;
  __atomic_signal_fence(__ATOMIC_SEQ_CST);
  __atomic_store_n(reinterpret_cast<Pair*>(&slot->wait_kind),
                   uint64_t{lock} << 32 | WaitWord(trace::WaitKind::kLock, flags, mode), __ATOMIC_RELAXED);
  __atomic_signal_fence(__ATOMIC_SEQ_CST);
}

// The whole path, for every kind of lock and every way of waiting.
Attempt BeginAcquire(const ObjectFacts& object, trace::Mode mode, Blocking blocking, const Site& site);
void EndAcquire(const Attempt& attempt, bool acquired);
void BeginReleaseSlow(const ObjectFacts& object, const Site& site);
// A semaphore (its record, or 0) begins with `value`: other than 1 it is a signal.
void BeginSemaphore(trace::Ref semaphore, int64_t value);
// A semaphore is about to be posted; its value is `value` now. It is a lock as long as its holder alone posts
// it.
void BeginPost(const ObjectFacts& object, int64_t value, const Site& site);

// Where an object carries its tag. A tag of class kPlainTag says that the object is private, that its
// acquisitions are plain (not recursive), and that it was not destroyed: nothing else has to be looked at.
inline uint64_t* TagOf(pthread_mutex_t* mutex) { return MutexTag(mutex); }
inline uint64_t* TagOf(pthread_rwlock_t* rwlock) { return RwlockTag(rwlock); }
inline uint64_t* TagOf(sem_t* semaphore) { return SemaphoreTag(semaphore); }

// Whether the object carries a tag of that class: then *lock is its record. No tag of such a class is of
// none.
template <typename Object>
__attribute__((always_inline)) inline bool IsKnownByTag(const Thread* thread, Object* object,
                                                        TagClass tag_class, trace::Ref* lock) {
  const uint64_t tag = __atomic_load_n(TagOf(object), __ATOMIC_RELAXED);
  *lock = static_cast<trace::Ref>(tag >> 32);
  return IsTagOf(tag_class, tag, object, thread->plain_secret);
}
// A semaphore that lets several in is no lock.
__attribute__((always_inline)) inline bool IsKnownByTag(const Thread* thread, sem_t* semaphore,
                                                        TagClass tag_class, trace::Ref* lock) {
  return SemaphoreValue(semaphore) <= 1 && IsKnownByTag<sem_t>(thread, semaphore, tag_class, lock);
}
// A spinlock has no room for a tag: whether `lock`, remembered for its place or held, still stands for it.
inline bool StandsFor(trace::Ref lock, const pthread_spinlock_t* spinlock) {
  const auto* record = g_trace.At<trace::LockRecord>(lock);
  return record->address == reinterpret_cast<uintptr_t>(spinlock) &&
         record->kind == static_cast<uint8_t>(trace::LockKind::kSpinlock) &&
         (record->flags & (trace::kDestroyed | trace::kRetired)) == 0;
}
inline uint64_t AddressKey(const volatile void* address) {
  return (reinterpret_cast<uintptr_t>(address) | 1) * 0x9FB21C651E98DF25u;
}

// The fast path of an acquisition: everything about it is known. Kept apart from Attempt so that it stays in
// registers.
struct KnownAcquire {
  Thread* thread;
  uint64_t holding;
  uint64_t moves;
};
inline Attempt AttemptOf(const KnownAcquire& known, trace::Mode mode, bool again) {
  return Attempt{known.thread,
                 static_cast<trace::Ref>(known.holding),
                 static_cast<trace::Ref>(known.holding >> 32),
                 mode,
                 again,
                 0,
                 0};
}

// What is known of an acquisition at `site` with what the thread holds; false: nothing. `key` tells kind and
// way of the call, `lock` is 0 where the key tells the lock as well.
template <Tried kTried>
__attribute__((always_inline)) inline bool FindSituation(Thread* thread, uint64_t moves, const Site& site,
                                                         uint64_t key, trace::Ref lock, CacheEntry* entry) {
  const uint32_t count = static_cast<uint32_t>(moves);
  // With nothing held the lock does not matter: where it is taken is all there is to know.
  key ^= SiteKey(site) ^ thread->script;
  if (count != 0) {
    if (__builtin_expect(count >= trace::kInlineHeld, 0)) {
      return false;
    }
    const uint64_t held_hash = HashBelow(thread, count);
    thread->hash_below[count] = held_hash;
    key = NestedKey(thread, key, held_hash, lock);
  }
  return FindForCallers<kTried>(thread, site, key, entry);
}

// False: something is not known.
template <Way kWay = &Thread::slot, Tried kTried = Tried::kFirst, typename Object>
__attribute__((always_inline)) inline bool FindKnown(Object* object, trace::Mode mode, Blocking blocking,
                                                     const Site& site, KnownAcquire* known) {
  Thread* thread = t_thread;
  trace::SlotRecord* slot = thread->*kWay;
  if (__builtin_expect(slot == nullptr, 0)) {
    return false;
  }
  trace::Ref lock = 0;
  if (__builtin_expect(!IsKnownByTag(thread, object, kPlainTag, &lock), 0)) {
    return false;
  }
  const uint64_t moves = *MovesOf(slot);
  CacheEntry entry;
  if (__builtin_expect(!FindSituation<kTried>(thread, moves, site, CallKey(mode, blocking), lock, &entry),
                       0)) {
    return false;
  }
  *known = KnownAcquire{thread, uint64_t{entry.stack} << 32 | lock, moves};
  return true;
}

template <Way kWay = &Thread::slot, Tried kTried = Tried::kFirst>
__attribute__((always_inline)) inline bool FindKnown(pthread_spinlock_t* spinlock, trace::Mode mode,
                                                     Blocking blocking, const Site& site,
                                                     KnownAcquire* known) {
  Thread* thread = t_thread;
  trace::SlotRecord* slot = thread->*kWay;
  if (__builtin_expect(slot == nullptr, 0)) {
    return false;
  }
  const uint64_t moves = *MovesOf(slot);
  CacheEntry entry;
  const uint64_t key = CallKey(mode, blocking) ^ AddressKey(spinlock);
  if (__builtin_expect(!FindSituation<kTried>(thread, moves, site, key, 0, &entry), 0) ||
      __builtin_expect(entry.lock == 0 || !StandsFor(entry.lock, spinlock), 0)) {
    return false;
  }
  *known = KnownAcquire{thread, uint64_t{entry.stack} << 32 | entry.lock, moves};
  return true;
}

// What may wait from now on: to be said before the real call.
template <Way kWay = &Thread::slot>
__attribute__((always_inline)) inline void PublishKnown(const KnownAcquire& known, trace::Mode mode,
                                                        Blocking blocking, uint8_t wait_flags) {
  if (trace::SlotRecord* slot = known.thread->*kWay; !IsTry(blocking) && slot != nullptr) {
    PublishLockWait(slot, static_cast<trace::Ref>(known.holding),
                    static_cast<trace::Ref>(known.holding >> 32), mode,
                    static_cast<uint8_t>(wait_flags | (blocking == Blocking::kTimed ? trace::kTimed : 0)));
  }
}

// A spinlock's waiter never sleeps.
constexpr uint8_t WaitFlagsOf(const void* /*object*/) { return 0; }
constexpr uint8_t WaitFlagsOf(const pthread_spinlock_t* /*object*/) { return trace::kSpins; }

// True: the wait is published (but for a try), and EndKnownAcquire or EndAcquire must follow the real call.
template <Way kWay = &Thread::slot, Tried kTried = Tried::kFirst, typename Object>
__attribute__((always_inline)) inline bool BeginKnownAcquire(Object* object, trace::Mode mode,
                                                             Blocking blocking, const Site& site,
                                                             KnownAcquire* known) {
  if (__builtin_expect(!FindKnown<kWay, kTried>(object, mode, blocking, site, known), 0)) {
    return false;
  }
  PublishKnown<kWay>(*known, mode, blocking, WaitFlagsOf(object));
  return true;
}

// The same for a recursive mutex that the thread does not hold, or holds as its newest: then *again.
template <Way kWay = &Thread::slot, Tried kTried = Tried::kAll>
__attribute__((always_inline)) inline bool FindKnownRecursive(pthread_mutex_t* mutex, trace::Mode mode,
                                                              Blocking blocking, const Site& site,
                                                              KnownAcquire* known, bool* again) {
  Thread* thread = t_thread;
  trace::SlotRecord* slot = thread->*kWay;
  if (slot == nullptr) {
    return false;
  }
  trace::Ref lock = 0;
  if (!IsKnownByTag(thread, mutex, kRecursiveTag, &lock)) {
    return false;
  }
  const uint64_t moves = *MovesOf(slot);
  const uint32_t count = static_cast<uint32_t>(moves);
  *again = count != 0 && thread->held[count - 1].lock == lock;
  if (*again) {
    *known = KnownAcquire{thread, lock, moves};
    return true;
  }
  for (uint32_t i = 0; i < count; ++i) {
    if (thread->held[i].lock == lock) {
      return false;
    }
  }
  CacheEntry entry;
  if (!FindSituation<kTried>(thread, moves, site, CallKey(mode, blocking), lock, &entry)) {
    return false;
  }
  *known = KnownAcquire{thread, uint64_t{entry.stack} << 32 | lock, moves};
  return true;
}

template <Way kWay = &Thread::slot>
inline bool BeginKnownRecursive(pthread_mutex_t* mutex, trace::Mode mode, Blocking blocking, const Site& site,
                                KnownAcquire* known, bool* again) {
  if (!FindKnownRecursive<kWay>(mutex, mode, blocking, site, known, again)) {
    return false;
  }
  if (!*again) {
    PublishKnown<kWay>(*known, mode, blocking, 0);
  }
  return true;
}

// The real call succeeded. False: something came in between, and EndAcquire has to be called: a handler that
// left a lock held, or this is a fork child now.
template <Way kWay = &Thread::slot>
__attribute__((always_inline)) inline bool EndKnownAcquire(const KnownAcquire& known, trace::Mode mode,
                                                           Blocking blocking) {
  trace::SlotRecord* slot = known.thread->*kWay;
  if (__builtin_expect(slot == nullptr, 0) || __builtin_expect(*MovesOf(slot) != known.moves, 0)) {
    return false;
  }
  if (!IsTry(blocking)) {
    ClearWait(slot);
  }
  PushHeld(known.thread->held, slot, known.moves, known.holding, mode);
  return true;
}

// The thread has taken its newest once more.
template <Way kWay = &Thread::slot>
inline bool EndKnownAgain(const KnownAcquire& known) {
  trace::SlotRecord* slot = known.thread->*kWay;
  if (slot == nullptr || *MovesOf(slot) != known.moves) {
    return false;
  }
  ++known.thread->held[static_cast<uint32_t>(known.moves) - 1].depth;
  return true;
}

// The fast path of a release: of what was acquired last. False: BeginReleaseSlow has to be called.
template <Way kWay = &Thread::slot, typename Object>
__attribute__((always_inline)) inline bool BeginKnownRelease(Object* object, TagClass tag_class = kPlainTag) {
  Thread* thread = t_thread;
  trace::SlotRecord* slot = thread->*kWay;
  if (__builtin_expect(slot == nullptr, 0)) {
    return false;
  }
  trace::Ref lock = 0;
  const uint64_t moves = *MovesOf(slot);
  const uint32_t count = static_cast<uint32_t>(moves);
  if (__builtin_expect(!IsKnownByTag(thread, object, tag_class, &lock), 0) ||
      __builtin_expect(count == 0, 0)) {
    return false;
  }
  trace::HeldEntry* newest = &thread->held[count - 1];
  if (__builtin_expect(newest->lock != lock, 0)) {
    return false;
  }
  if (tag_class == kRecursiveTag && newest->depth > 0) {
    --newest->depth;
  } else {
    PopHeld(newest, slot, moves);
  }
  return true;
}

template <Way kWay = &Thread::slot>
__attribute__((always_inline)) inline bool BeginKnownRelease(pthread_spinlock_t* spinlock) {
  Thread* thread = t_thread;
  trace::SlotRecord* slot = thread->*kWay;
  if (__builtin_expect(slot == nullptr, 0)) {
    return false;
  }
  const uint64_t moves = *MovesOf(slot);
  const uint32_t count = static_cast<uint32_t>(moves);
  if (__builtin_expect(count == 0, 0)) {
    return false;
  }
  trace::HeldEntry* newest = &thread->held[count - 1];
  if (__builtin_expect(newest->lock == 0 || !StandsFor(newest->lock, spinlock), 0)) {
    return false;
  }
  PopHeld(newest, slot, moves);
  return true;
}

// The object (its record is `lock`) is used at `site`. True: after its destruction, and that is recorded.
// REQUIRES: inside the recorder.
bool RecordIfDestroyed(Thread* thread, const ObjectFacts& object, trace::Ref lock, const Site& site);

// The key of a situation, as BeginKnownAcquire makes it.
uint64_t SituationKey(const Thread* thread, const Site& site, trace::Mode mode, Blocking blocking,
                      trace::Ref lock);

// The stack of a slow call, looked up by place before it is taken.
trace::Ref StackOf(Thread* thread, const Site& site);
// The same of a lock that is taken: a script that takes locks of the interpreter's own, or of a library, is
// no part of the situation, unless the hook said so (InScript), and so it is no part of the stack.
trace::Ref LockStackOf(Thread* thread, const Site& site);

}  // namespace gordian::record

#endif  // GORDIAN_LIBSYNC_RECORD_ACQUIRE_H_
