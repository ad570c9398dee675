/* A deadline with more nanoseconds than a second has: the wait returns EINVAL at once, and the loop around it
 * spins. */
// EXPECT: api-error
#include <errno.h>
#include <pthread.h>
#include <time.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

int main(void) {
  struct timespec deadline;
  clock_gettime(CLOCK_REALTIME, &deadline);
  deadline.tv_nsec += 1000 * 1000 * 1000;
  pthread_mutex_lock(&mutex);
  const int error = pthread_cond_timedwait(&changed, &mutex, &deadline);
  pthread_mutex_unlock(&mutex);
  return error == EINVAL ? 0 : 1;
}
