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

#include "libsync/record/libc_facts.h"
#include "libsync/record/locks.h"
#include "libsync/record/stack.h"
#include "libsync/record/thread.h"
#include "libsync/trace/layout.h"

namespace gordian::record {

// kForever may never return; kTimed ends by itself; kTry does not wait.
enum class Blocking : uint8_t { kForever, kTimed, kTry };

// An acquisition between its beginning and its end. thread == nullptr: unrecorded.
struct Attempt {
  Thread* thread;
  trace::Ref lock;
  trace::Ref stack;
  trace::Mode mode;
  bool again;         // the thread holds it already
  uint64_t start_ns;  // where waits are timed; else 0
};

inline uint64_t SiteKey(const Site& site) {
  return site.return_address * 0x9E3779B97F4A7C15u + site.frame * 0xC2B2AE3D27D4EB4Fu;
}
inline uint64_t HoldingHash(trace::Ref lock, trace::Ref stack) {
  const uint64_t product = (uint64_t{lock} << 32 | stack) * 0x9E3779B97F4A7C15u;
  return product ^ product >> 29;
}
// One place may call several functions (through a pointer): 0 for the most common.
inline uint64_t CallKey(trace::Mode mode, Blocking blocking) {
  return (static_cast<uint64_t>(mode) - 1 + static_cast<uint64_t>(blocking) * 2) << 1;
}
// With nothing held the lock does not matter: where it is taken is all there is to know.
inline uint64_t SituationKey(const Thread* thread, const Site& site, trace::Mode mode, trace::Ref lock,
                             bool nested) {
  return SiteKey(site) ^ CallKey(mode, Blocking::kForever) ^
         (nested ? thread->held_hash ^ thread->segment_hash ^ lock * 0xD6E8FEB86659FD93u : 0);
}
inline CacheEntry* CacheSlot(Thread* thread, uint64_t key) {
  return &thread->cache[key >> (64 - kCacheBits)];
}

// One store that carries kind, flags and mode together, last when a wait begins and first when it ends.
inline void PublishWait(trace::SlotRecord* slot, trace::WaitKind kind, uint8_t flags, trace::Mode mode) {
  const uint32_t word =
      static_cast<uint32_t>(kind) | static_cast<uint32_t>(flags) << 8 | static_cast<uint32_t>(mode) << 16;
  __atomic_signal_fence(__ATOMIC_SEQ_CST);
  __atomic_store_n(reinterpret_cast<uint32_t*>(&slot->wait_kind), word, __ATOMIC_RELAXED);
  __atomic_signal_fence(__ATOMIC_SEQ_CST);
}
inline void ClearWait(trace::SlotRecord* slot) {
  PublishWait(slot, trace::WaitKind::kNone, 0, trace::Mode{});
}

inline void PublishLockWait(trace::SlotRecord* slot, trace::Ref lock, trace::Ref stack, trace::Mode mode,
                            uint8_t flags) {
  slot->wait_object = lock;
  slot->wait_stack = stack;
  PublishWait(slot, trace::WaitKind::kLock, flags, mode);
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
// pthread_once: the thread that runs the routine holds the flag until the routine is over. An exception or a
// cancellation may end it too, and so may a jump.
inline ObjectFacts OnceFacts(pthread_once_t* once) {
  return ObjectFacts{once, trace::LockKind::kOnce, 0, nullptr, 0, false};
}
// The routine returned.
void EndOnceRoutine(pthread_once_t* once);
// The routine that this thread began last was left otherwise.
void LeaveOnceRoutine();
// Any of them may have been left: none is held.
void LeaveAllOnceRoutines();
// The call of `attempt` is over, and so is the flag as a lock: it never keeps anybody waiting again.
void EndOnce(const Attempt& attempt, const pthread_once_t* once);
// Adds a holding; makes room first.
void Hold(Thread* thread, trace::Ref lock, trace::Ref stack, trace::Mode mode);

// The lock is gone with its memory: whoever holds it holds nothing. REQUIRES: `thread` is the calling one.
void DropHeld(Thread* thread, trace::Ref lock);
// One of the calling thread's acquisitions is over, by its number.
void DropAcquisition(Thread* thread, uint32_t acquisition);
// The same for an acquisition of another thread, which will find out when it comes by.
void MarkGivenUp(Thread* holder, trace::Ref lock, uint32_t acquisition);

// REQUIRES: there is room.
inline void PushHeld(Thread* thread, trace::SlotRecord* slot, trace::Ref lock, trace::Ref stack,
                     trace::Mode mode) {
  const uint32_t count = slot->held_count;
  slot->held_count = count + 1;
  __atomic_signal_fence(__ATOMIC_SEQ_CST);
  trace::HeldEntry* entry = &thread->held[count];
  entry->stack = stack;
  entry->acquisition = ++slot->acquisitions;
  entry->mode = static_cast<uint8_t>(mode);
  entry->flags = 0;
  entry->depth = 0;
  entry->lock = lock;
  thread->held_hash ^= HoldingHash(lock, stack);
}

// True for a private object whose acquisitions are plain (not recursive) and that carries our tag; then *lock
// is its record.
inline bool KnownPlain(const Thread* thread, pthread_mutex_t* mutex, trace::Ref* lock) {
  const int kind = MutexKind(mutex);
  if ((kind & kMutexNoTagBits) != 0 || (kind & kMutexTypeMask) == kMutexRecursive) {
    return false;
  }
  const uint64_t tag = __atomic_load_n(MutexTag(mutex), __ATOMIC_RELAXED);
  *lock = static_cast<trace::Ref>(tag >> 32);
  return TagMatches(tag, mutex, thread->tag_secret);
}

inline bool KnownPlain(const Thread* thread, pthread_rwlock_t* rwlock, trace::Ref* lock) {
  if (RwlockIsShared(rwlock) || RwlockPrefersWriters(rwlock)) {
    return false;
  }
  const uint64_t tag = __atomic_load_n(RwlockTag(rwlock), __ATOMIC_RELAXED);
  *lock = static_cast<trace::Ref>(tag >> 32);
  return TagMatches(tag, rwlock, thread->tag_secret);
}

// The fast path of an acquisition that may wait for good. True: everything about it is known, the wait is
// published, and EndKnownAcquire must follow the real call. Kept apart from Attempt so that it stays in
// registers.
struct KnownAcquire {
  Thread* thread;
  trace::Ref lock;
  trace::Ref stack;
};
template <typename Object>
__attribute__((always_inline)) inline bool BeginKnownAcquire(Object* object, trace::Mode mode,
                                                             const Site& site, KnownAcquire* known) {
  Thread* thread = t_thread;
  trace::SlotRecord* slot = thread->slot;
  trace::Ref lock;
  if (__builtin_expect(slot == nullptr || !KnownPlain(thread, object, &lock), 0)) {
    return false;
  }
  const bool nested = slot->held_count != 0;
  const uint64_t key = SituationKey(thread, site, mode, lock, nested);
  const CacheEntry* entry = CacheSlot(thread, key);
  if (__builtin_expect(entry->key != key || CallerSum(site, entry->callers) != entry->caller_sum, 0)) {
    return false;
  }
  if (nested) {
    ++g_trace.At<trace::DependencyRecord>(entry->dependency)->count;
  }
  PublishLockWait(slot, lock, entry->stack, mode, 0);
  *known = KnownAcquire{thread, lock, entry->stack};
  return true;
}

__attribute__((always_inline)) inline void EndKnownAcquire(const KnownAcquire& known, trace::Mode mode,
                                                           bool acquired) {
  trace::SlotRecord* slot = known.thread->slot;
  if (__builtin_expect(slot == nullptr || !acquired || slot->held_count >= known.thread->held_capacity, 0)) {
    EndAcquire(Attempt{known.thread, known.lock, known.stack, mode, false, 0}, acquired);
    return;
  }
  ClearWait(slot);
  PushHeld(known.thread, slot, known.lock, known.stack, mode);
}

// The fast path of a release: of what was acquired last. False: BeginReleaseSlow has to be called.
template <typename Object>
__attribute__((always_inline)) inline bool BeginKnownRelease(Object* object) {
  Thread* thread = t_thread;
  trace::SlotRecord* slot = thread->slot;
  trace::Ref lock;
  if (__builtin_expect(slot == nullptr || !KnownPlain(thread, object, &lock), 0)) {
    return false;
  }
  const uint32_t count = slot->held_count;
  if (__builtin_expect(count == 0 || thread->held[count - 1].lock != lock, 0)) {
    return false;
  }
  trace::HeldEntry* entry = &thread->held[count - 1];
  thread->held_hash ^= HoldingHash(lock, entry->stack);
  entry->lock = 0;
  __atomic_signal_fence(__ATOMIC_SEQ_CST);
  slot->held_count = count - 1;
  return true;
}

// pthread_cond_wait gives the mutex up and takes it back without passing a hook.
struct ConditionWait {
  Thread* thread;  // null: unrecorded
  Attempt reacquire;
  trace::Ref condition;
  uint32_t signals;  // of the condition, when the wait began
  uint16_t depth;    // of a recursive mutex: only one level is given up
  bool was_held;
};
ConditionWait BeginConditionWait(pthread_cond_t* condition, pthread_mutex_t* mutex, bool timed,
                                 const Site& site);
// kAsBefore: the call failed before it gave the mutex up. kLost: the mutex became useless meanwhile.
enum class AfterWait : uint8_t { kHeld, kAsBefore, kLost };
void EndConditionWait(const ConditionWait& wait, AfterWait after);
void RecordSignal(pthread_cond_t* condition, const Site& site);

// Any other wait: join, waitpid. Null: unrecorded.
Thread* BeginWait(Entry* entry, trace::WaitKind kind, trace::Ref object, int64_t value, bool timed,
                  trace::Ref stack);
void EndWait(Thread* thread);
// A wait at a futex word that no hook knows the owner of. Counted under coverage, once for each place.
Thread* BeginFutexWait(uintptr_t word, bool timed, const Site& site);
// The thread goes to wait without a timeout for the end of a thread or a child. `kind`: kAwaitsThread or
// kAwaitsChild. REQUIRES: inside the recorder.
void RecordAwaitedEnd(Thread* thread, trace::Ref whose, trace::DependencyFlags kind, trace::Ref stack);

// The stack of a slow call, looked up by place before it is taken.
trace::Ref StackOf(Thread* thread, const Site& site);

}  // namespace gordian::record

#endif  // GORDIAN_LIBSYNC_RECORD_ACQUIRE_H_
