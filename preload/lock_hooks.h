// What the hooks of all locks have in common: what is said to the recorder around the real call. `name` is
// the call's name and `call` the hook's own REAL, so that one body serves POSIX and C11.
#ifndef GORDIAN_PRELOAD_LOCK_HOOKS_H_
#define GORDIAN_PRELOAD_LOCK_HOOKS_H_

#include <errno.h>
#include <time.h>

#include <type_traits>

#include "libsync/record/acquire.h"
#include "libsync/record/errors.h"
#include "libsync/record/lifetimes.h"
#include "libsync/record/profile.h"

namespace gordian::preload {

// thrd_success is 0 too. EOWNERDEAD is an acquisition: of a robust mutex whose owner died.
inline bool Acquired(int result) { return result == 0 || result == EOWNERDEAD; }

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
      record::WaitStart(!again && record::LooksTaken(object, mode), blocking == record::Blocking::kTry);
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

// Other callers than those that came first, and recursive mutexes, are looked for second: most calls do not
// pay for them.
template <typename Object, typename Call>
__attribute__((noinline)) int AcquireOther(const char* name, Object* object, trace::Mode mode,
                                           record::Blocking blocking, record::Site site, Call call) {
  if (record::g_config.profiles) {
    return AcquireProfiled(name, object, mode, blocking, site, call);
  }
  record::KnownAcquire known;
  bool again = false;
  bool is_known = record::BeginKnownAcquire<&record::Thread::slot, record::Tried::kAll>(
      object, mode, blocking, site, &known);
  if constexpr (std::is_same_v<Object, pthread_mutex_t>) {
    is_known = is_known || record::BeginKnownRecursive(object, mode, blocking, site, &known, &again);
  }
  if (is_known) {
    const int result = call();
    const bool ended = result == 0 && (again ? record::EndKnownAgain(known)
                                             : record::EndKnownAcquire(known, mode, blocking));
    return ended ? 0 : EndSlowly(known, result, name, object, mode, blocking, site, again);
  }
  return Acquire(name, object, mode, blocking, site, call);
}

// For the kinds that have a fast path. `blocking` is known when this is compiled.
template <typename Object, typename Call>
__attribute__((always_inline)) inline int AcquireUsual(const char* name, Object* object, trace::Mode mode,
                                                       record::Blocking blocking, Call call) {
  record::KnownAcquire known;
  if (__builtin_expect(!record::BeginKnownAcquire(object, mode, blocking, CALL_SITE(), &known), 0)) {
    return AcquireOther(name, object, mode, blocking, CALL_SITE(), call);
  }
  const int result = call();
  if (__builtin_expect(result == 0, 1) &&
      __builtin_expect(record::EndKnownAcquire(known, mode, blocking), 1)) {
    return 0;
  }
  return EndSlowly(known, result, name, object, mode, blocking, CALL_SITE());
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

template <typename Object, typename Call>
__attribute__((noinline)) int ReleaseOther(const char* name, Object* object, record::Site site, Call call) {
  if (BeginProfiledRelease(object)) {
    return record::Noted(call(), name, record::Blocking::kForever, object, site);
  }
  if constexpr (std::is_same_v<Object, pthread_mutex_t>) {
    if (record::BeginKnownRelease(object, record::kRecursiveTag)) {
      return record::Noted(call(), name, record::Blocking::kForever, object, site);
    }
  }
  record::BeginReleaseSlow(record::FactsOf(object), site);
  return record::Noted(call(), name, record::Blocking::kForever, object, site);
}

// The fast path, for the lock that was taken last, cannot fail.
template <typename Object, typename Call>
__attribute__((always_inline)) inline int Release(const char* name, Object* object, Call call) {
  return __builtin_expect(record::BeginKnownRelease(object), 1)
             ? call()
             : ReleaseOther(name, object, CALL_SITE(), call);
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
