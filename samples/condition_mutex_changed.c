/* One condition with a mutex after the other: legal, since all who waited with the first are awake by then,
   even the one that still queues for it. */
// EXPECT: clean
#include <pthread.h>
#include <time.h>

static pthread_mutex_t first_mutex = PTHREAD_MUTEX_INITIALIZER, second_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static pthread_barrier_t started;
static int done = 0;

static void* Waiter(void* unused) {
  pthread_mutex_lock(&first_mutex);
  pthread_barrier_wait(&started);
  while (!done) {
    pthread_cond_wait(&changed, &first_mutex);
  }
  pthread_mutex_unlock(&first_mutex);
  return unused;
}

int main(void) {
  const struct timespec past = {0, 0};
  pthread_t waiter;
  pthread_barrier_init(&started, NULL, 2);
  pthread_create(&waiter, NULL, Waiter, NULL);
  pthread_barrier_wait(&started);
  pthread_mutex_lock(&first_mutex);
  done = 1;
  pthread_cond_broadcast(&changed);
  /* The waiter is awake and queues for the first mutex. */
  pthread_mutex_lock(&second_mutex);
  pthread_cond_timedwait(&changed, &second_mutex, &past);
  pthread_mutex_unlock(&second_mutex);
  pthread_mutex_unlock(&first_mutex);
  pthread_join(waiter, NULL);
  pthread_barrier_destroy(&started);
  return 0;
}
