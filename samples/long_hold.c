/* Computes for long with the lock held. */
// EXPECT: long-hold
// OPTIONS: --hold-ms 200
#include <pthread.h>
#include <time.h>

static pthread_mutex_t table = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t counter = PTHREAD_MUTEX_INITIALIZER;

static long long now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

int main(void) {
  pthread_mutex_lock(&table);
  const long long start = now_ms();
  while (now_ms() - start < 300) {
  }
  pthread_mutex_lock(&counter); /* released out of order, and at once */
  pthread_mutex_unlock(&table);
  pthread_mutex_unlock(&counter);
  return 0;
}
