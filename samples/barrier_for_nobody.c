/* Asks for a barrier of no threads, and for semaphores with more than they can hold. */
// EXPECT: barrier-misuse
// EXPECT: semaphore-misuse
// EXPECT: semaphore-misuse
#include <limits.h>
#include <pthread.h>
#include <semaphore.h>

int main(void) {
  pthread_barrier_t barrier;
  sem_t semaphore;
  pthread_barrier_init(&barrier, NULL, 0);
  sem_init(&semaphore, 0, (unsigned)-1);
  sem_init(&semaphore, 0, SEM_VALUE_MAX);
  sem_post(&semaphore);
  sem_wait(&semaphore);
  sem_post(&semaphore);
  sem_destroy(&semaphore);
  return 0;
}
