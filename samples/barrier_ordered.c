/* Two phases take two locks in opposite orders, with a barrier between them: who is in the second phase knows
 * that all have left the first. */
// EXPECT: clean
#include <pthread.h>

static pthread_mutex_t rows = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t columns = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t phase;

static void Both(pthread_mutex_t* outer, pthread_mutex_t* inner) {
  pthread_mutex_lock(outer);
  pthread_mutex_lock(inner);
  pthread_mutex_unlock(inner);
  pthread_mutex_unlock(outer);
}

static void* Work(void* unused) {
  for (int round = 0; round < 10; ++round) {
    Both(&rows, &columns);
    pthread_barrier_wait(&phase);
    Both(&columns, &rows);
    pthread_barrier_wait(&phase);
  }
  return unused;
}

int main(void) {
  pthread_t threads[3];
  pthread_barrier_init(&phase, NULL, 3);
  for (int i = 0; i < 3; ++i) pthread_create(&threads[i], NULL, Work, NULL);
  for (int i = 0; i < 3; ++i) pthread_join(threads[i], NULL);
  pthread_barrier_destroy(&phase);
  return 0;
}
