/* The id of a joined thread is that of the next one, and of a detached one too: each is joined or detached
 * once. */
// EXPECT: clean
#include <pthread.h>
#include <semaphore.h>
#include <string.h>

static sem_t ended;

static void* Work(void* unused) {
  sem_post(&ended);
  return unused;
}

int main(void) {
  pthread_t first, next;
  int reused = 0;
  sem_init(&ended, 0, 0);
  pthread_create(&first, NULL, Work, NULL);
  pthread_join(first, NULL);
  for (int i = 0; i < 20; ++i) {
    pthread_create(&next, NULL, Work, NULL);
    reused += pthread_equal(first, next) != 0;
    if (i % 2 == 0) {
      pthread_join(next, NULL);
    } else {
      pthread_detach(next);
    }
    sem_wait(&ended);
  }
  return reused > 0 ? 0 : 1;
}
