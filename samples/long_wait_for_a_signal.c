/* Waits long for a semaphore that another thread posts: that is no lock, so no long-wait. */
// EXPECT: clean
// OPTIONS: --wait-ms 20
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>

static sem_t ready;

static void* prepare(void* argument) {
  poll(NULL, 0, 60);
  sem_post(&ready);
  return argument;
}

int main(void) {
  pthread_t thread;
  sem_init(&ready, 0, 0);
  pthread_create(&thread, NULL, prepare, NULL);
  sem_wait(&ready);
  pthread_join(thread, NULL);
  return 0;
}
