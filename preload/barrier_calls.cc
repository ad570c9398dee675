// pthread_barrier_*. A wait is no cancellation point.
#include <pthread.h>

#include "libsync/record/barriers.h"
#include "preload/intercept.h"

using namespace gordian::record;

INTERCEPT(int, pthread_barrier_wait, pthread_barrier_t* barrier) {
  const BarrierWait wait = BeginBarrierWait(barrier, CALL_SITE());
  const int result = REAL(pthread_barrier_wait)(barrier);
  EndBarrierWait(wait, result == 0 || result == PTHREAD_BARRIER_SERIAL_THREAD);
  return result;
}

INTERCEPT(int, pthread_barrier_init, pthread_barrier_t* barrier, const pthread_barrierattr_t* attributes,
          unsigned count) {
  const Site site = CALL_SITE();
  BeforeBarrierInit(barrier, count, site);
  const int result = REAL(pthread_barrier_init)(barrier, attributes, count);
  AfterBarrierInit(barrier, count, result == 0, site);
  return result;
}

INTERCEPT(int, pthread_barrier_destroy, pthread_barrier_t* barrier) {
  const Doomed doomed = BeforeBarrierDestroy(barrier, CALL_SITE());
  const int result = REAL(pthread_barrier_destroy)(barrier);
  AfterDestroy(doomed, result == 0);
  return result;
}
