/* Threads that detach themselves first thing, started one after the other: their ids come again. */
// EXPECT: clean
#include <pthread.h>
#include <semaphore.h>

static sem_t ended;

static void* Work(void* unused) {
  pthread_detach(pthread_self());
  sem_post(&ended);
  return unused;
}

int main(void) {
  sem_init(&ended, 0, 0);
  for (int i = 0; i < 10; ++i) {
    pthread_t worker;
    if (pthread_create(&worker, NULL, Work, NULL) != 0) return 1;
    sem_wait(&ended);
  }
  return 0;
}
