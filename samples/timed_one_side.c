/* Two orders, and only one side waits with a timeout. It lets its first lock go when the time is over, and
 * then the other side goes on. */
// EXPECT: clean
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

static pthread_mutex_t a_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t b_mutex = PTHREAD_MUTEX_INITIALIZER;
static atomic_int timed_done;

static void* Timed(void* unused) {
  struct timespec deadline;
  clock_gettime(CLOCK_REALTIME, &deadline);
  deadline.tv_sec += 5;
  pthread_mutex_lock(&a_mutex);
  if (pthread_mutex_timedlock(&b_mutex, &deadline) == 0) pthread_mutex_unlock(&b_mutex);
  pthread_mutex_unlock(&a_mutex);
  timed_done = 1;
  return unused;
}

static void* Untimed(void* unused) {
  for (int ms = 0; ms < 20000 && !timed_done; ++ms) usleep(1000);
  pthread_mutex_lock(&b_mutex);
  pthread_mutex_lock(&a_mutex);
  pthread_mutex_unlock(&a_mutex);
  pthread_mutex_unlock(&b_mutex);
  return unused;
}

int main(void) {
  pthread_t timed, untimed;
  pthread_create(&timed, NULL, Timed, NULL);
  pthread_create(&untimed, NULL, Untimed, NULL);
  pthread_join(timed, NULL);
  pthread_join(untimed, NULL);
  return 0;
}
