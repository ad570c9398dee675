// pthread_rwlock_*: readers and writers. Each read of a recursive reader is a holding of its own.
#include <pthread.h>

#include "libsync/record/acquire.h"
#include "libsync/record/lifetimes.h"
#include "preload/intercept.h"

using namespace gordian::record;
using gordian::trace::Mode;

namespace {

// What all acquisitions but the fast one do around the real call. `call` is the hook's own REAL.
template <typename Call>
__attribute__((always_inline)) inline int Acquire(pthread_rwlock_t* rwlock, Mode mode, Blocking blocking,
                                                  const Site& site, Call call) {
  const Attempt attempt = BeginAcquire(FactsOf(rwlock), mode, blocking, site);
  const int result = call();
  EndAcquire(attempt, result == 0);
  return result;
}

template <typename Call>
__attribute__((always_inline)) inline int AcquireForever(pthread_rwlock_t* rwlock, Mode mode,
                                                         const Site& site, Call call) {
  KnownAcquire known;
  if (__builtin_expect(BeginKnownAcquire(rwlock, mode, site, &known), 1)) {
    const int result = call();
    EndKnownAcquire(known, mode, result == 0);
    return result;
  }
  return Acquire(rwlock, mode, Blocking::kForever, site, call);
}

}  // namespace

INTERCEPT(int, pthread_rwlock_rdlock, pthread_rwlock_t* rwlock) {
  return AcquireForever(rwlock, Mode::kShared, CALL_SITE(),
                        [=] { return REAL(pthread_rwlock_rdlock)(rwlock); });
}

INTERCEPT(int, pthread_rwlock_wrlock, pthread_rwlock_t* rwlock) {
  return AcquireForever(rwlock, Mode::kExclusive, CALL_SITE(),
                        [=] { return REAL(pthread_rwlock_wrlock)(rwlock); });
}

INTERCEPT(int, pthread_rwlock_tryrdlock, pthread_rwlock_t* rwlock) {
  return Acquire(rwlock, Mode::kShared, Blocking::kTry, CALL_SITE(),
                 [=] { return REAL(pthread_rwlock_tryrdlock)(rwlock); });
}

INTERCEPT(int, pthread_rwlock_trywrlock, pthread_rwlock_t* rwlock) {
  return Acquire(rwlock, Mode::kExclusive, Blocking::kTry, CALL_SITE(),
                 [=] { return REAL(pthread_rwlock_trywrlock)(rwlock); });
}

INTERCEPT(int, pthread_rwlock_timedrdlock, pthread_rwlock_t* rwlock, const timespec* deadline) {
  return Acquire(rwlock, Mode::kShared, Blocking::kTimed, CALL_SITE(),
                 [=] { return REAL(pthread_rwlock_timedrdlock)(rwlock, deadline); });
}

INTERCEPT(int, pthread_rwlock_timedwrlock, pthread_rwlock_t* rwlock, const timespec* deadline) {
  return Acquire(rwlock, Mode::kExclusive, Blocking::kTimed, CALL_SITE(),
                 [=] { return REAL(pthread_rwlock_timedwrlock)(rwlock, deadline); });
}

// std::shared_timed_mutex ends up in the clock variants.
INTERCEPT(int, pthread_rwlock_clockrdlock, pthread_rwlock_t* rwlock, clockid_t clock,
          const timespec* deadline) {
  return Acquire(rwlock, Mode::kShared, Blocking::kTimed, CALL_SITE(),
                 [=] { return REAL(pthread_rwlock_clockrdlock)(rwlock, clock, deadline); });
}

INTERCEPT(int, pthread_rwlock_clockwrlock, pthread_rwlock_t* rwlock, clockid_t clock,
          const timespec* deadline) {
  return Acquire(rwlock, Mode::kExclusive, Blocking::kTimed, CALL_SITE(),
                 [=] { return REAL(pthread_rwlock_clockwrlock)(rwlock, clock, deadline); });
}

INTERCEPT(int, pthread_rwlock_unlock, pthread_rwlock_t* rwlock) {
  BeginRelease(rwlock, CALL_SITE());
  return REAL(pthread_rwlock_unlock)(rwlock);
}

INTERCEPT(int, pthread_rwlock_init, pthread_rwlock_t* rwlock, const pthread_rwlockattr_t* attributes) {
  const Site site = CALL_SITE();
  BeforeInit(FactsOf(rwlock), site);
  const int result = REAL(pthread_rwlock_init)(rwlock, attributes);
  if (result == 0) {
    AfterInit(FactsOf(rwlock), site);
  }
  return result;
}

INTERCEPT(int, pthread_rwlock_destroy, pthread_rwlock_t* rwlock) {
  const Doomed doomed = BeforeDestroy(FactsOf(rwlock), CALL_SITE());
  const int result = REAL(pthread_rwlock_destroy)(rwlock);
  AfterDestroy(doomed, result == 0);
  return result;
}
