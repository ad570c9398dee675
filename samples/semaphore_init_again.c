/* A semaphore that lets one in is used up and initialised anew for the next round. Nobody posts it: who came
 * through holds nothing. */
// EXPECT: clean
#include <pthread.h>
#include <semaphore.h>

static sem_t first_come;

static void* Come(void* unused) {
  sem_wait(&first_come);
  return unused;
}

int main(void) {
  for (int round = 0; round < 3; ++round) {
    pthread_t thread;
    sem_init(&first_come, 0, 1);
    if (round == 1) {
      Come(NULL);
      continue;
    }
    pthread_create(&thread, NULL, Come, NULL);
    pthread_join(thread, NULL);
  }
  return sem_destroy(&first_come);
}
