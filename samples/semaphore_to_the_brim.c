/* Semaphores as full as they can be and a barrier of one thread: unusual, but within the rules. */
// EXPECT: clean
#include <limits.h>
#include <pthread.h>
#include <semaphore.h>

int main(void) {
  pthread_barrier_t barrier;
  sem_t semaphore;
  pthread_barrier_init(&barrier, NULL, 1);
  pthread_barrier_wait(&barrier);
  pthread_barrier_wait(&barrier);
  pthread_barrier_destroy(&barrier);
  sem_init(&semaphore, 0, SEM_VALUE_MAX);
  sem_wait(&semaphore);
  sem_post(&semaphore);
  sem_destroy(&semaphore);
  return 0;
}
