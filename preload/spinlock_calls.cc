// pthread_spin_*: known by address, since a spinlock is one int.
#include <pthread.h>

#include "preload/intercept.h"
#include "preload/lock_hooks.h"

using namespace gordian::preload;
using gordian::record::Blocking;
using gordian::trace::Mode;

INTERCEPT(int, pthread_spin_lock, pthread_spinlock_t* spinlock) {
  return AcquireUsual("pthread_spin_lock", spinlock, Mode::kExclusive, Blocking::kForever,
                      [=] { return REAL(pthread_spin_lock)(spinlock); });
}

INTERCEPT(int, pthread_spin_trylock, pthread_spinlock_t* spinlock) {
  return AcquireUsual("pthread_spin_trylock", spinlock, Mode::kExclusive, Blocking::kTry,
                      [=] { return REAL(pthread_spin_trylock)(spinlock); });
}

INTERCEPT(int, pthread_spin_unlock, pthread_spinlock_t* spinlock) {
  return Release("pthread_spin_unlock", spinlock, [=] { return REAL(pthread_spin_unlock)(spinlock); });
}

INTERCEPT(int, pthread_spin_init, pthread_spinlock_t* spinlock, int shared) {
  return Init("pthread_spin_init", spinlock, CALL_SITE(),
              [=] { return REAL(pthread_spin_init)(spinlock, shared); });
}

INTERCEPT(int, pthread_spin_destroy, pthread_spinlock_t* spinlock) {
  return Destroy("pthread_spin_destroy", spinlock, CALL_SITE(),
                 [=] { return REAL(pthread_spin_destroy)(spinlock); });
}
