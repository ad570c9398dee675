// What the hooks of all locks have in common: what is said to the recorder around the real call. `name` is
// the call's name and `call` the hook's own REAL, so that one body serves POSIX and C11.
#ifndef GORDIAN_PRELOAD_LOCK_HOOKS_H_
#define GORDIAN_PRELOAD_LOCK_HOOKS_H_

#include <errno.h>
#include <time.h>

#include <type_traits>

#include "libsync/record/acquire.h"
#include "libsync/record/errors.h"
#include "libsync/record/free_locks.h"
#include "libsync/record/lifetimes.h"
#include "libsync/record/profile.h"
#include "preload/cancel.h"

namespace gordian::preload {

// thrd_success is 0 too. EOWNERDEAD is an acquisition: of a robust mutex whose owner died.
inline bool Acquired(int result) { return result == 0 || result == EOWNERDEAD; }

constexpr record::Take HowOf(record::Blocking blocking) {
  return record::IsTry(blocking) ? record::Take::kTry : record::Take::kLock;
}

template <typename Object, typename Call>
__attribute__((always_inline)) inline int Acquire(const char* name, Object* object, trace::Mode mode,
                                                  record::Blocking blocking, record::Site site, Call call) {
  const record::Attempt attempt = record::BeginAcquire(record::FactsOf(object), mode, blocking, site);
  const int result = call();
  record::EndAcquire(attempt, Acquired(result));
  return record::Noted(result, name, blocking, object, site);
}

// The end of a fast acquisition that did not go as most do.
template <typename Object>
__attribute__((noinline)) int EndSlowly(const record::KnownAcquire known, int result, const char* name,
                                        Object* object, trace::Mode mode, record::Blocking blocking,
                                        record::Site site, bool again = false) {
  record::EndAcquire(record::AttemptOf(known, mode, again), result == 0);  // a robust mutex has no fast path
  return record::Noted(result, name, blocking, object, site);
}

// What the fast paths know, where locks are profiled.
template <typename Object, typename Call>
__attribute__((noinline)) int AcquireProfiled(const char* name, Object* object, trace::Mode mode,
                                              record::Blocking blocking, record::Site site, Call call) {
  constexpr record::Way way = &record::Thread::profiled_slot;
  record::KnownAcquire known;
  bool again = false;
  bool is_known = record::BeginKnownAcquire<way, record::Tried::kAll>(object, mode, blocking, site, &known);
  if constexpr (std::is_same_v<Object, pthread_mutex_t>) {
    is_known = is_known || record::BeginKnownRecursive<way>(object, mode, blocking, site, &known, &again);
  }
  if (!is_known) {
    return Acquire(name, object, mode, blocking, site, call);
  }
  const uint64_t wait_start =
      record::WaitStart(!again && record::LooksTaken(object, mode), record::IsTry(blocking));
  const int result = call();
  if (result == 0 &&
      (again ? record::EndKnownAgain<way>(known) : record::EndKnownAcquire<way>(known, mode, blocking))) {
    if (!again) {
      record::ProfileAcquired(known.thread, static_cast<uint32_t>(known.moves), wait_start);
    }
    return 0;
  }
  record::Attempt attempt = record::AttemptOf(known, mode, again);
  attempt.wait_start = wait_start;
  record::EndAcquire(attempt, result == 0);
  return record::Noted(result, name, blocking, object, site);
}

// The real call of a known acquisition whose wait is published.
template <typename Object, typename Call>
__attribute__((always_inline)) inline int CallKnown(const record::KnownAcquire& known, const char* name,
                                                    Object* object, trace::Mode mode,
                                                    record::Blocking blocking, record::Site site, Call call) {
  const int result = call();
  if (__builtin_expect(result == 0, 1) &&
      __builtin_expect(record::EndKnownAcquire(known, mode, blocking), 1)) {
    return 0;
  }
  return EndSlowly(known, result, name, object, mode, blocking, site);
}

// Of a known lock that is not free. What is known comes in two words, which stay in registers.
template <typename Object, typename Call>
__attribute__((noinline)) int AcquireTaken(uint64_t holding, uint64_t moves, const char* name, Object* object,
                                           trace::Mode mode, record::Blocking blocking, record::Site site,
                                           Call call) {
  const record::KnownAcquire known{record::t_thread, holding, moves};
  record::PublishKnown(known, mode, blocking, record::WaitFlagsOf(object));
  return CallKnown(known, name, object, mode, blocking, site, call);
}

// Whether a call has to be libc's whatever it finds: one that ends by itself looks at its deadline first, and
// sem_wait whether its thread was cancelled.
template <typename Object>
__attribute__((always_inline)) inline bool IsLeftToLibc(record::Blocking blocking) {
  return blocking == record::Blocking::kTimed ||
         (std::is_same_v<Object, sem_t> && blocking == record::Blocking::kForever &&
          __builtin_expect(__atomic_load_n(&gordian_any_cancelled, __ATOMIC_RELAXED) != 0, 0)) ||
         !record::g_config.takes_free_locks;
}
template <typename Object>
__attribute__((always_inline)) inline bool TakeFree(Object* object, trace::Mode mode,
                                                    record::Blocking blocking) {
  return !IsLeftToLibc<Object>(blocking) && record::TakeFree(object, mode, HowOf(blocking));
}

// A handler came between the taking of a free lock and its record.
__attribute__((noinline)) inline void SettleTaken(uint64_t holding, trace::Mode mode, bool again) {
  record::EndAcquire(record::AttemptOf({record::t_thread, holding, 0}, mode, again), true);
}
__attribute__((always_inline)) inline void EndTaken(const record::KnownAcquire& known, trace::Mode mode) {
  if (__builtin_expect(!record::EndKnownAcquire(known, mode, record::Blocking::kTry), 0)) {
    SettleTaken(known.holding, mode, false);
  }
}

// A recursive mutex at a known place that libc has to take; false: it is none, or not known. `site` by
// reference: a copy would be read as one word of 16 bytes just after it was written as two, for which a
// processor waits 4 ns.
template <typename Call>
__attribute__((always_inline)) inline bool AcquireRecursive(const char* name, pthread_mutex_t* mutex,
                                                            record::Blocking blocking,
                                                            const record::Site& site, Call call,
                                                            int* result) {
  constexpr auto mode = trace::Mode::kExclusive;
  record::KnownAcquire known;
  bool again = false;
  if (!record::BeginKnownRecursive(mutex, mode, blocking, site, &known, &again)) {
    return false;
  }
  *result = call();
  if (*result != 0 ||
      !(again ? record::EndKnownAgain(known) : record::EndKnownAcquire(known, mode, blocking))) {
    *result = EndSlowly(known, *result, name, mutex, mode, blocking, site, again);
  }
  return true;
}

// Other callers than those that came first, recursive mutexes that are not free, and where libc alone takes
// locks: looked for last, so that most calls do not pay for them.
template <typename Object, typename Call>
__attribute__((noinline)) int AcquireOther(const char* name, Object* object, trace::Mode mode,
                                           record::Blocking blocking, record::Site site, Call call) {
  if (record::g_config.profiles) {
    return AcquireProfiled(name, object, mode, blocking, site, call);
  }
  if constexpr (std::is_same_v<Object, pthread_mutex_t>) {
    if (int result; AcquireRecursive(name, object, blocking, site, call, &result)) {
      return result;
    }
  }
  record::KnownAcquire known;
  if (!record::FindKnown<&record::Thread::slot, record::Tried::kAll>(object, mode, blocking, site, &known)) {
    return Acquire(name, object, mode, blocking, site, call);
  }
  if (TakeFree(object, mode, blocking)) {
    EndTaken(known, mode);
    return 0;
  }
  record::PublishKnown(known, mode, blocking, record::WaitFlagsOf(object));
  return CallKnown(known, name, object, mode, blocking, site, call);
}

// What is not known as a plain lock of its place: a recursive mutex that is free or the thread's own, taken
// here; all else is for AcquireOther. A function of its own, so that it saves no registers on its way.
template <typename Object, typename Call>
__attribute__((noinline)) int AcquireUnusual(const char* name, Object* object, trace::Mode mode,
                                             record::Blocking blocking, record::Site site, Call call) {
  if constexpr (std::is_same_v<Object, pthread_mutex_t>) {
    record::KnownAcquire known;
    bool again = false;
    if (!IsLeftToLibc<Object>(blocking) &&
        record::FindKnownRecursive<&record::Thread::slot, record::Tried::kFirst>(object, mode, blocking, site,
                                                                                 &known, &again) &&
        record::TakeRecursive(object, HowOf(blocking))) {
      if (!(again ? record::EndKnownAgain(known)
                  : record::EndKnownAcquire(known, mode, record::Blocking::kTry))) {
        SettleTaken(known.holding, mode, again);
      }
      return 0;
    }
  }
  return AcquireOther(name, object, mode, blocking, site, call);
}

// For the kinds that have a fast path. `blocking` is known when this is compiled.
template <typename Object, typename Call>
__attribute__((always_inline)) inline int AcquireUsual(const char* name, Object* object, trace::Mode mode,
                                                       record::Blocking blocking, Call call) {
  record::KnownAcquire known;
  if (__builtin_expect(!record::FindKnown(object, mode, blocking, CALL_SITE(), &known), 0)) {
    return AcquireUnusual(name, object, mode, blocking, CALL_SITE(), call);
  }
  if (__builtin_expect(!TakeFree(object, mode, blocking), 0)) {
    return AcquireTaken(known.holding, known.moves, name, object, mode, blocking, CALL_SITE(), call);
  }
  EndTaken(known, mode);
  return 0;
}

// libc refuses every other clock before it looks at the object, which then may be anything.
template <typename Object, typename Call>
__attribute__((always_inline)) inline int AcquireByClock(const char* name, Object* object, trace::Mode mode,
                                                         clockid_t clock, Call call) {
  return clock == CLOCK_REALTIME || clock == CLOCK_MONOTONIC
             ? AcquireUsual(name, object, mode, record::Blocking::kTimed, call)
             : call();
}

// The release of what was acquired last, where locks are profiled. False: anything else.
template <typename Object>
inline bool BeginProfiledRelease(Object* object) {
  constexpr record::Way way = &record::Thread::profiled_slot;
  record::Thread* thread = record::t_thread;
  if (thread->profiled_slot == nullptr) {
    return false;
  }
  const uint32_t before = thread->profiled_slot->held_count;
  bool is_known = record::BeginKnownRelease<way>(object);
  if constexpr (std::is_same_v<Object, pthread_mutex_t>) {
    is_known = is_known || record::BeginKnownRelease<way>(object, record::kRecursiveTag);
  }
  if (is_known && thread->profiled_slot->held_count < before) {
    record::ProfileReleased(thread, before - 1);
  }
  return is_known;
}

// What is known to be held, given back without libc where nobody waits.
template <typename Object>
__attribute__((always_inline)) inline bool GiveBack(Object* object) {
  return __builtin_expect(record::g_config.takes_free_locks, 1) && record::GiveBack(object);
}

template <typename Object, typename Call>
__attribute__((noinline)) int ReleaseOther(const char* name, Object* object, record::Site site, Call call) {
  if (!BeginProfiledRelease(object)) {
    record::BeginReleaseSlow(record::FactsOf(object), site);
  }
  return record::Noted(call(), name, record::Blocking::kForever, object, site);
}

// The end of a release whose record is written already.
template <typename Object, typename Call>
__attribute__((noinline)) int GiveBackByLibc(const char* name, Object* object, record::Site site, Call call) {
  return record::Noted(call(), name, record::Blocking::kForever, object, site);
}

// A recursive mutex that was taken last; all else is for ReleaseOther.
template <typename Object, typename Call>
__attribute__((noinline)) int ReleaseUnusual(const char* name, Object* object, record::Site site, Call call) {
  if constexpr (std::is_same_v<Object, pthread_mutex_t>) {
    if (record::BeginKnownRelease(object, record::kRecursiveTag)) {
      return GiveBack(object) ? 0 : GiveBackByLibc(name, object, site, call);
    }
  }
  return ReleaseOther(name, object, site, call);
}

// The fast path, for the lock that was taken last, cannot fail.
template <typename Object, typename Call>
__attribute__((always_inline)) inline int Release(const char* name, Object* object, Call call) {
  if (__builtin_expect(!record::BeginKnownRelease(object), 0)) {
    return ReleaseUnusual(name, object, CALL_SITE(), call);
  }
  return __builtin_expect(GiveBack(object), 1) ? 0 : call();
}

template <typename Object, typename Call>
__attribute__((always_inline)) inline int Init(const char* name, Object* object, record::Site site,
                                               Call call) {
  record::BeforeInit(record::FactsOf(object), site);
  const int result = call();
  if (result == 0) {
    record::AfterInit(record::FactsOf(object), site);
  }
  return record::Noted(result, name, record::Blocking::kForever, object, site);
}

template <typename Object, typename Call>
__attribute__((always_inline)) inline int Destroy(const char* name, Object* object, record::Site site,
                                                  Call call) {
  const record::Doomed doomed = record::BeforeDestroy(object, site);
  const int result = call();
  record::AfterDestroy(doomed, result == 0);
  return record::Noted(result, name, record::Blocking::kForever, object, site);
}

}  // namespace gordian::preload

#endif  // GORDIAN_PRELOAD_LOCK_HOOKS_H_
