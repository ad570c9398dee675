// pthread_rwlock_*: readers and writers. Each read of a recursive reader is a holding of its own.
#include <pthread.h>

#include "preload/intercept.h"
#include "preload/lock_hooks.h"

using namespace gordian::preload;
using gordian::record::Blocking;
using gordian::trace::Mode;

INTERCEPT(int, pthread_rwlock_rdlock, pthread_rwlock_t* rwlock) {
  return AcquireUsual("pthread_rwlock_rdlock", rwlock, Mode::kShared, Blocking::kForever,
                      [=] { return REAL(pthread_rwlock_rdlock)(rwlock); });
}

INTERCEPT(int, pthread_rwlock_wrlock, pthread_rwlock_t* rwlock) {
  return AcquireUsual("pthread_rwlock_wrlock", rwlock, Mode::kExclusive, Blocking::kForever,
                      [=] { return REAL(pthread_rwlock_wrlock)(rwlock); });
}

INTERCEPT(int, pthread_rwlock_tryrdlock, pthread_rwlock_t* rwlock) {
  return AcquireUsual("pthread_rwlock_tryrdlock", rwlock, Mode::kShared, Blocking::kTry,
                      [=] { return REAL(pthread_rwlock_tryrdlock)(rwlock); });
}

INTERCEPT(int, pthread_rwlock_trywrlock, pthread_rwlock_t* rwlock) {
  return AcquireUsual("pthread_rwlock_trywrlock", rwlock, Mode::kExclusive, Blocking::kTry,
                      [=] { return REAL(pthread_rwlock_trywrlock)(rwlock); });
}

INTERCEPT(int, pthread_rwlock_timedrdlock, pthread_rwlock_t* rwlock, const timespec* deadline) {
  return AcquireUsual("pthread_rwlock_timedrdlock", rwlock, Mode::kShared, Blocking::kTimed,
                      [=] { return REAL(pthread_rwlock_timedrdlock)(rwlock, deadline); });
}

INTERCEPT(int, pthread_rwlock_timedwrlock, pthread_rwlock_t* rwlock, const timespec* deadline) {
  return AcquireUsual("pthread_rwlock_timedwrlock", rwlock, Mode::kExclusive, Blocking::kTimed,
                      [=] { return REAL(pthread_rwlock_timedwrlock)(rwlock, deadline); });
}

// std::shared_timed_mutex ends up in the clock variants.
INTERCEPT(int, pthread_rwlock_clockrdlock, pthread_rwlock_t* rwlock, clockid_t clock,
          const timespec* deadline) {
  return AcquireByClock("pthread_rwlock_clockrdlock", rwlock, Mode::kShared, clock,
                        [=] { return REAL(pthread_rwlock_clockrdlock)(rwlock, clock, deadline); });
}

INTERCEPT(int, pthread_rwlock_clockwrlock, pthread_rwlock_t* rwlock, clockid_t clock,
          const timespec* deadline) {
  return AcquireByClock("pthread_rwlock_clockwrlock", rwlock, Mode::kExclusive, clock,
                        [=] { return REAL(pthread_rwlock_clockwrlock)(rwlock, clock, deadline); });
}

INTERCEPT(int, pthread_rwlock_unlock, pthread_rwlock_t* rwlock) {
  return Release("pthread_rwlock_unlock", rwlock, [=] { return REAL(pthread_rwlock_unlock)(rwlock); });
}

INTERCEPT(int, pthread_rwlock_init, pthread_rwlock_t* rwlock, const pthread_rwlockattr_t* attributes) {
  return Init("pthread_rwlock_init", rwlock, CALL_SITE(),
              [=] { return REAL(pthread_rwlock_init)(rwlock, attributes); });
}

INTERCEPT(int, pthread_rwlock_destroy, pthread_rwlock_t* rwlock) {
  return Destroy("pthread_rwlock_destroy", rwlock, CALL_SITE(),
                 [=] { return REAL(pthread_rwlock_destroy)(rwlock); });
}
