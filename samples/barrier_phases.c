/* Workers meet at a barrier between their phases, and the first one out of the last round destroys it. */
// EXPECT: clean
#include <pthread.h>

enum { kWorkers = 4, kPhases = 3 };
static pthread_barrier_t phase_over;
static pthread_mutex_t sum_mutex = PTHREAD_MUTEX_INITIALIZER;
static int sum;

static void* Work(void* unused) {
  for (int phase = 0; phase < kPhases; ++phase) {
    pthread_mutex_lock(&sum_mutex);
    ++sum;
    pthread_mutex_unlock(&sum_mutex);
    if (pthread_barrier_wait(&phase_over) == PTHREAD_BARRIER_SERIAL_THREAD && phase == kPhases - 1) {
      pthread_barrier_destroy(&phase_over);
    }
  }
  return unused;
}

int main(void) {
  pthread_t workers[kWorkers];
  pthread_barrier_init(&phase_over, NULL, kWorkers);
  for (int i = 0; i < kWorkers; ++i) pthread_create(&workers[i], NULL, Work, NULL);
  for (int i = 0; i < kWorkers; ++i) pthread_join(workers[i], NULL);
  return sum == kWorkers * kPhases ? 0 : 1;
}
