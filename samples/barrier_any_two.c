/* A barrier at which any two of four threads meet, whoever they are: more come than it takes, and none is
 * left over. */
// EXPECT: clean
#include <pthread.h>
#include <stddef.h>

static pthread_barrier_t dance;

static void* Dance(void* unused) {
  for (int i = 0; i < 10; ++i) {
    pthread_barrier_wait(&dance);
  }
  return unused;
}

int main(void) {
  pthread_t threads[4];
  pthread_barrier_init(&dance, NULL, 2);
  for (int pair = 0; pair < 2; ++pair) { /* one after the other: nobody is left without a partner */
    for (int i = 0; i < 2; ++i) {
      pthread_create(&threads[2 * pair + i], NULL, Dance, NULL);
    }
    for (int i = 0; i < 2; ++i) {
      pthread_join(threads[2 * pair + i], NULL);
    }
  }
  pthread_barrier_destroy(&dance);
  return 0;
}
