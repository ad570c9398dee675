/* Asks whether a worker has ended, waits for it with a deadline, and joins it in the end: each join but the
   last fails as it should. */
// EXPECT: clean
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <time.h>

static sem_t may_end;

static void* Work(void* unused) {
  sem_wait(&may_end);
  return unused;
}

int main(void) {
  const struct timespec past = {0, 0};
  pthread_t worker;
  sem_init(&may_end, 0, 0);
  pthread_create(&worker, NULL, Work, NULL);
  const int tried = pthread_tryjoin_np(worker, NULL);
  const int timed = pthread_timedjoin_np(worker, NULL, &past);
  sem_post(&may_end);
  return tried == EBUSY && timed == ETIMEDOUT && pthread_join(worker, NULL) == 0 ? 0 : 1;
}
