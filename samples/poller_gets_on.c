/* Who has the mutex polls for another one for a while, and comes to it: whoever waits for the first waits no
 * longer than that. */
// EXPECT: clean
#include <pthread.h>
#include <time.h>

static pthread_mutex_t outer = PTHREAD_MUTEX_INITIALIZER, inner = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t both;

static void* Poll(void* unused) {
  const struct timespec pause = {0, 5000000};
  pthread_mutex_lock(&outer);
  pthread_barrier_wait(&both);
  while (pthread_mutex_trylock(&inner) != 0) {
    nanosleep(&pause, NULL);
  }
  pthread_mutex_unlock(&inner);
  pthread_mutex_unlock(&outer);
  return unused;
}

int main(void) {
  const struct timespec busy = {0, 50000000};
  pthread_t poller;
  pthread_barrier_init(&both, NULL, 2);
  pthread_create(&poller, NULL, Poll, NULL);
  pthread_mutex_lock(&inner);
  pthread_barrier_wait(&both);
  nanosleep(&busy, NULL);
  pthread_mutex_unlock(&inner);
  pthread_mutex_lock(&outer);
  pthread_mutex_unlock(&outer);
  pthread_join(poller, NULL);
  return 0;
}
