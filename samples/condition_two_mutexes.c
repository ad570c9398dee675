/* Reader and writer wait on one condition at the same time, each with a mutex of its own. */
// EXPECT: condition-mutex
#include <pthread.h>
#include <time.h>

static pthread_mutex_t reader_mutex = PTHREAD_MUTEX_INITIALIZER, writer_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static pthread_barrier_t started;
static int done = 0;

static void* Reader(void* unused) {
  pthread_mutex_lock(&reader_mutex);
  pthread_barrier_wait(&started);
  while (!done) {
    pthread_cond_wait(&changed, &reader_mutex);
  }
  pthread_mutex_unlock(&reader_mutex);
  return unused;
}

int main(void) {
  const struct timespec past = {0, 0};
  pthread_t reader;
  pthread_barrier_init(&started, NULL, 2);
  pthread_create(&reader, NULL, Reader, NULL);
  pthread_barrier_wait(&started);
  pthread_mutex_lock(&reader_mutex); /* free only when the reader waits */
  pthread_mutex_unlock(&reader_mutex);
  pthread_mutex_lock(&writer_mutex);
  pthread_cond_timedwait(&changed, &writer_mutex, &past);
  pthread_mutex_unlock(&writer_mutex);
  pthread_mutex_lock(&reader_mutex);
  done = 1;
  pthread_cond_broadcast(&changed);
  pthread_mutex_unlock(&reader_mutex);
  pthread_join(reader, NULL);
  pthread_barrier_destroy(&started);
  return 0;
}
