// pthread_mutex_*: lock order, holdings, deadlocks, misuse.
#include <pthread.h>

#include "libsync/record/acquire.h"
#include "libsync/record/lifetimes.h"
#include "preload/intercept.h"

using namespace gordian::record;
using gordian::trace::Mode;

namespace {

// EOWNERDEAD is an acquisition too: of a robust mutex whose owner died.
bool Acquired(int result) { return result == 0 || result == EOWNERDEAD; }

int LockSlowly(pthread_mutex_t* mutex, const Site& site);

}  // namespace

INTERCEPT(int, pthread_mutex_lock, pthread_mutex_t* mutex) {
  KnownAcquire known;
  if (__builtin_expect(BeginKnownAcquire(mutex, Mode::kExclusive, CALL_SITE(), &known), 1)) {
    const int result = REAL(pthread_mutex_lock)(mutex);
    EndKnownAcquire(known, Mode::kExclusive, Acquired(result));
    return result;
  }
  return LockSlowly(mutex, CALL_SITE());
}

namespace {

__attribute__((noinline)) int LockSlowly(pthread_mutex_t* mutex, const Site& site) {
  const Attempt attempt = BeginAcquire(FactsOf(mutex), Mode::kExclusive, Blocking::kForever, site);
  const int result = REAL(pthread_mutex_lock)(mutex);
  EndAcquire(attempt, Acquired(result));
  return result;
}

}  // namespace

INTERCEPT(int, pthread_mutex_unlock, pthread_mutex_t* mutex) {
  BeginRelease(mutex, CALL_SITE());
  return REAL(pthread_mutex_unlock)(mutex);
}

INTERCEPT(int, pthread_mutex_trylock, pthread_mutex_t* mutex) {
  const Attempt attempt = BeginAcquire(FactsOf(mutex), Mode::kExclusive, Blocking::kTry, CALL_SITE());
  const int result = REAL(pthread_mutex_trylock)(mutex);
  EndAcquire(attempt, Acquired(result));
  return result;
}

INTERCEPT(int, pthread_mutex_timedlock, pthread_mutex_t* mutex, const timespec* deadline) {
  const Attempt attempt = BeginAcquire(FactsOf(mutex), Mode::kExclusive, Blocking::kTimed, CALL_SITE());
  const int result = REAL(pthread_mutex_timedlock)(mutex, deadline);
  EndAcquire(attempt, Acquired(result));
  return result;
}

// std::timed_mutex and std::recursive_timed_mutex end up here.
INTERCEPT(int, pthread_mutex_clocklock, pthread_mutex_t* mutex, clockid_t clock, const timespec* deadline) {
  const Attempt attempt = BeginAcquire(FactsOf(mutex), Mode::kExclusive, Blocking::kTimed, CALL_SITE());
  const int result = REAL(pthread_mutex_clocklock)(mutex, clock, deadline);
  EndAcquire(attempt, Acquired(result));
  return result;
}

INTERCEPT(int, pthread_mutex_init, pthread_mutex_t* mutex, const pthread_mutexattr_t* attributes) {
  const Site site = CALL_SITE();
  BeforeInit(FactsOf(mutex), site);
  const int result = REAL(pthread_mutex_init)(mutex, attributes);
  if (result == 0) {
    AfterInit(FactsOf(mutex), site);
  }
  return result;
}

INTERCEPT(int, pthread_mutex_destroy, pthread_mutex_t* mutex) {
  const Doomed doomed = BeforeDestroy(FactsOf(mutex), CALL_SITE());
  const int result = REAL(pthread_mutex_destroy)(mutex);
  AfterDestroy(doomed, result == 0);
  return result;
}
