// sem_*: a semaphore is a lock as long as the thread that waited is the one that posts; then it is a signal.
#include <semaphore.h>

#include "preload/intercept.h"
#include "preload/lock_hooks.h"

using namespace gordian::preload;
using namespace gordian::record;
using gordian::trace::Mode;

INTERCEPT(int, sem_wait, sem_t* semaphore) {
  return Acquire(semaphore, Mode::kExclusive, Blocking::kForever, CALL_SITE(),
                 [=] { return REAL(sem_wait)(semaphore); });
}

INTERCEPT(int, sem_trywait, sem_t* semaphore) {
  return Acquire(semaphore, Mode::kExclusive, Blocking::kTry, CALL_SITE(),
                 [=] { return REAL(sem_trywait)(semaphore); });
}

INTERCEPT(int, sem_timedwait, sem_t* semaphore, const timespec* deadline) {
  return Acquire(semaphore, Mode::kExclusive, Blocking::kTimed, CALL_SITE(),
                 [=] { return REAL(sem_timedwait)(semaphore, deadline); });
}

INTERCEPT(int, sem_clockwait, sem_t* semaphore, clockid_t clock, const timespec* deadline) {
  return Acquire(semaphore, Mode::kExclusive, Blocking::kTimed, CALL_SITE(),
                 [=] { return REAL(sem_clockwait)(semaphore, clock, deadline); });
}

INTERCEPT(int, sem_post, sem_t* semaphore) {
  BeginPost(FactsOf(semaphore), SemaphoreValue(semaphore));
  return REAL(sem_post)(semaphore);
}

INTERCEPT(int, sem_init, sem_t* semaphore, int shared, unsigned value) {
  const Site site = CALL_SITE();
  BeforeInit(FactsOf(semaphore), site);
  const int result = REAL(sem_init)(semaphore, shared, value);
  if (result == 0) {
    WipeTag(semaphore);
    BeginSemaphore(AfterInit(FactsOf(semaphore), site), value);
  }
  return result;
}

INTERCEPT(int, sem_destroy, sem_t* semaphore) {
  const Doomed doomed = BeforeDestroy(semaphore, CALL_SITE());
  const int result = REAL(sem_destroy)(semaphore);
  AfterDestroy(doomed, result == 0);
  return result;
}
