/* Three threads come to a barrier for two: two go on, the third waits for a fourth that there is not. */
// OPTIONS: --on-deadlock=kill
// HANGS
// EXPECT: deadlock
// EXPECT: barrier-misuse
#include <pthread.h>
#include <stddef.h>

static pthread_barrier_t start;

static void* Work(void* unused) {
  pthread_barrier_wait(&start);
  return unused;
}

int main(void) {
  pthread_t threads[3];
  pthread_barrier_init(&start, NULL, 2);
  for (int i = 0; i < 3; ++i) {
    pthread_create(&threads[i], NULL, Work, NULL);
  }
  for (int i = 0; i < 3; ++i) {
    pthread_join(threads[i], NULL);
  }
  pthread_barrier_destroy(&start);
  return 0;
}
