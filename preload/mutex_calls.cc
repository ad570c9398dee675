// pthread_mutex_* and mtx_*: lock order, holdings, deadlocks, misuse. A mtx_t is a pthread_mutex_t in another
// type, and C11's calls reach it inside libc, past the hooks of the pthread_mutex_* calls.
#include "preload/mutex_calls.h"

#include <threads.h>

#include "preload/intercept.h"
#include "preload/lock_hooks.h"

using namespace gordian::preload;
using gordian::record::Blocking;
using gordian::trace::Mode;

namespace {

pthread_mutex_t* MutexIn(mtx_t* mutex) { return reinterpret_cast<pthread_mutex_t*>(mutex); }

}  // namespace

INTERCEPT(int, pthread_mutex_lock, pthread_mutex_t* mutex) {
  return AcquireUsual("pthread_mutex_lock", mutex, Mode::kExclusive, Blocking::kForever,
                      [=] { return REAL(pthread_mutex_lock)(mutex); });
}

INTERCEPT(int, pthread_mutex_unlock, pthread_mutex_t* mutex) {
  return Release("pthread_mutex_unlock", mutex, [=] { return REAL(pthread_mutex_unlock)(mutex); });
}

INTERCEPT(int, pthread_mutex_trylock, pthread_mutex_t* mutex) {
  return AcquireUsual("pthread_mutex_trylock", mutex, Mode::kExclusive, Blocking::kTry,
                      [=] { return REAL(pthread_mutex_trylock)(mutex); });
}

INTERCEPT(int, pthread_mutex_timedlock, pthread_mutex_t* mutex, const timespec* deadline) {
  return AcquireUsual("pthread_mutex_timedlock", mutex, Mode::kExclusive, Blocking::kTimed,
                      [=] { return REAL(pthread_mutex_timedlock)(mutex, deadline); });
}

// std::timed_mutex and std::recursive_timed_mutex end up here.
INTERCEPT(int, pthread_mutex_clocklock, pthread_mutex_t* mutex, clockid_t clock, const timespec* deadline) {
  return AcquireByClock("pthread_mutex_clocklock", mutex, Mode::kExclusive, clock,
                        [=] { return REAL(pthread_mutex_clocklock)(mutex, clock, deadline); });
}

// Of a mutex that protects by priority it takes the lock and gives it back.
INTERCEPT(int, pthread_mutex_setprioceiling, pthread_mutex_t* mutex, int ceiling, int* old_ceiling) {
  using namespace gordian::record;
  const bool locks = (MutexKind(mutex) & kMutexProtectBit) != 0;
  const Attempt attempt =
      locks ? BeginAcquire(FactsOf(mutex), Mode::kExclusive, Blocking::kForever, CALL_SITE()) : Attempt{};
  const int result = REAL(pthread_mutex_setprioceiling)(mutex, ceiling, old_ceiling);
  EndAcquire(attempt, false);
  return result;
}

INTERCEPT(int, pthread_mutex_init, pthread_mutex_t* mutex, const pthread_mutexattr_t* attributes) {
  return Init("pthread_mutex_init", mutex, CALL_SITE(),
              [=] { return REAL(pthread_mutex_init)(mutex, attributes); });
}

INTERCEPT(int, pthread_mutex_destroy, pthread_mutex_t* mutex) {
  return Destroy("pthread_mutex_destroy", mutex, CALL_SITE(),
                 [=] { return REAL(pthread_mutex_destroy)(mutex); });
}

INTERCEPT(int, mtx_lock, mtx_t* mutex) {
  return AcquireUsual("mtx_lock", MutexIn(mutex), Mode::kExclusive, Blocking::kForever,
                      [=] { return REAL(mtx_lock)(mutex); });
}

INTERCEPT(int, mtx_unlock, mtx_t* mutex) {
  return Release("mtx_unlock", MutexIn(mutex), [=] { return REAL(mtx_unlock)(mutex); });
}

INTERCEPT(int, mtx_trylock, mtx_t* mutex) {
  return AcquireUsual("mtx_trylock", MutexIn(mutex), Mode::kExclusive, Blocking::kTry,
                      [=] { return REAL(mtx_trylock)(mutex); });
}

INTERCEPT(int, mtx_timedlock, mtx_t* mutex, const timespec* deadline) {
  return AcquireUsual("mtx_timedlock", MutexIn(mutex), Mode::kExclusive, Blocking::kTimed,
                      [=] { return REAL(mtx_timedlock)(mutex, deadline); });
}

INTERCEPT(int, mtx_init, mtx_t* mutex, int type) {
  return Init("mtx_init", MutexIn(mutex), CALL_SITE(), [=] { return REAL(mtx_init)(mutex, type); });
}

// Answers nothing, but leaves the mark of a destroyed mutex when it did it.
INTERCEPT(void, mtx_destroy, mtx_t* mutex) {
  Destroy("mtx_destroy", MutexIn(mutex), CALL_SITE(), [=] {
    REAL(mtx_destroy)(mutex);
    return gordian::record::MutexKind(MutexIn(mutex)) == gordian::record::kMutexDestroyedKind ? 0 : EBUSY;
  });
}

namespace gordian::preload {

int RealMutexLock(pthread_mutex_t* mutex) { return REAL(pthread_mutex_lock)(mutex); }
int RealMutexUnlock(pthread_mutex_t* mutex) { return REAL(pthread_mutex_unlock)(mutex); }
int RealMutexTimedLock(pthread_mutex_t* mutex, const timespec* deadline) {
  return REAL(pthread_mutex_timedlock)(mutex, deadline);
}

}  // namespace gordian::preload
