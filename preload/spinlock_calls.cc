// pthread_spin_*: known by address, since a spinlock is one int.
#include <pthread.h>

#include "libsync/record/acquire.h"
#include "libsync/record/lifetimes.h"
#include "preload/intercept.h"

using namespace gordian::record;
using gordian::trace::Mode;

INTERCEPT(int, pthread_spin_lock, pthread_spinlock_t* spinlock) {
  const Attempt attempt = BeginAcquire(FactsOf(spinlock), Mode::kExclusive, Blocking::kForever, CALL_SITE());
  const int result = REAL(pthread_spin_lock)(spinlock);
  EndAcquire(attempt, result == 0);
  return result;
}

INTERCEPT(int, pthread_spin_trylock, pthread_spinlock_t* spinlock) {
  const Attempt attempt = BeginAcquire(FactsOf(spinlock), Mode::kExclusive, Blocking::kTry, CALL_SITE());
  const int result = REAL(pthread_spin_trylock)(spinlock);
  EndAcquire(attempt, result == 0);
  return result;
}

INTERCEPT(int, pthread_spin_unlock, pthread_spinlock_t* spinlock) {
  BeginReleaseSlow(FactsOf(spinlock), CALL_SITE());
  return REAL(pthread_spin_unlock)(spinlock);
}

INTERCEPT(int, pthread_spin_init, pthread_spinlock_t* spinlock, int shared) {
  const Site site = CALL_SITE();
  BeforeInit(FactsOf(spinlock), site);
  const int result = REAL(pthread_spin_init)(spinlock, shared);
  if (result == 0) {
    AfterInit(FactsOf(spinlock), site);
  }
  return result;
}

INTERCEPT(int, pthread_spin_destroy, pthread_spinlock_t* spinlock) {
  const Doomed doomed = BeforeDestroy(FactsOf(spinlock), CALL_SITE());
  const int result = REAL(pthread_spin_destroy)(spinlock);
  AfterDestroy(doomed, result == 0);
  return result;
}
