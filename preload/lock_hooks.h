// What the hooks of all locks have in common: what is said to the recorder around the real call. `name` is
// the call's name and `call` the hook's own REAL, so that one body serves POSIX and C11.
#ifndef GORDIAN_PRELOAD_LOCK_HOOKS_H_
#define GORDIAN_PRELOAD_LOCK_HOOKS_H_

#include <errno.h>
#include <time.h>

#include "libsync/record/acquire.h"
#include "libsync/record/errors.h"
#include "libsync/record/lifetimes.h"

namespace gordian::preload {

// thrd_success is 0 too. EOWNERDEAD is an acquisition: of a robust mutex whose owner died.
inline bool Acquired(int result) { return result == 0 || result == EOWNERDEAD; }

template <typename Object, typename Call>
__attribute__((always_inline)) inline int Acquire(const char* name, Object* object, trace::Mode mode,
                                                  record::Blocking blocking, const record::Site& site,
                                                  Call call) {
  const record::Attempt attempt = record::BeginAcquire(record::FactsOf(object), mode, blocking, site);
  const int result = call();
  record::EndAcquire(attempt, Acquired(result));
  return record::Noted(result, name, blocking, object, site);
}

// libc refuses every other clock before it looks at the object, which then may be anything.
template <typename Object, typename Call>
__attribute__((always_inline)) inline int AcquireByClock(const char* name, Object* object, trace::Mode mode,
                                                         clockid_t clock, const record::Site& site,
                                                         Call call) {
  return clock == CLOCK_REALTIME || clock == CLOCK_MONOTONIC
             ? Acquire(name, object, mode, record::Blocking::kTimed, site, call)
             : call();
}

template <typename Object, typename Call>
__attribute__((noinline)) int AcquireSlowly(const char* name, Object* object, trace::Mode mode,
                                            const record::Site& site, Call call) {
  return Acquire(name, object, mode, record::Blocking::kForever, site, call);
}

// For the kinds that have a fast path.
template <typename Object, typename Call>
__attribute__((always_inline)) inline int AcquireForever(const char* name, Object* object, trace::Mode mode,
                                                         const record::Site& site, Call call) {
  record::KnownAcquire known;
  if (__builtin_expect(record::BeginKnownAcquire(object, mode, site, &known), 1)) {
    const int result = call();
    record::EndKnownAcquire(known, mode, result == 0);  // a robust mutex has no fast path
    return record::Noted(result, name, record::Blocking::kForever, object, site);
  }
  return AcquireSlowly(name, object, mode, site, call);
}

template <typename Object, typename Call>
__attribute__((noinline)) int ReleaseSlowly(const char* name, Object* object, const record::Site& site,
                                            Call call) {
  record::BeginReleaseSlow(record::FactsOf(object), site);
  return record::Noted(call(), name, record::Blocking::kForever, object, site);
}

// The fast path, for the lock that was taken last, cannot fail.
template <typename Object, typename Call>
__attribute__((always_inline)) inline int Release(const char* name, Object* object, const record::Site& site,
                                                  Call call) {
  return __builtin_expect(record::BeginKnownRelease(object), 1) ? call()
                                                                : ReleaseSlowly(name, object, site, call);
}

template <typename Object, typename Call>
__attribute__((always_inline)) inline int Init(const char* name, Object* object, const record::Site& site,
                                               Call call) {
  record::BeforeInit(record::FactsOf(object), site);
  const int result = call();
  if (result == 0) {
    record::AfterInit(record::FactsOf(object), site);
  }
  return record::Noted(result, name, record::Blocking::kForever, object, site);
}

template <typename Object, typename Call>
__attribute__((always_inline)) inline int Destroy(const char* name, Object* object, const record::Site& site,
                                                  Call call) {
  const record::Doomed doomed = record::BeforeDestroy(object, site);
  const int result = call();
  record::AfterDestroy(doomed, result == 0);
  return record::Noted(result, name, record::Blocking::kForever, object, site);
}

}  // namespace gordian::preload

#endif  // GORDIAN_PRELOAD_LOCK_HOOKS_H_
