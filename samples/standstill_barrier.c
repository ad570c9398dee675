/* A barrier for three, of whom one ends before he comes: the other two wait for him for good. */
// OPTIONS: --on-deadlock=kill
// HANGS
// EXPECT: deadlock
#include <pthread.h>
#include <stddef.h>

static pthread_barrier_t all_ready;

static char fails;

static void* Work(void* how) {
  if (how != &fails) {
    pthread_barrier_wait(&all_ready);
  }
  return NULL;
}

int main(void) {
  pthread_t good, bad;
  pthread_barrier_init(&all_ready, NULL, 3);
  pthread_create(&good, NULL, Work, NULL);
  pthread_create(&bad, NULL, Work, &fails);
  pthread_join(bad, NULL);
  pthread_barrier_wait(&all_ready);
  pthread_join(good, NULL);
  return 0;
}
