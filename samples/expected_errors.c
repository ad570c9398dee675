/* Every answer here is part of normal use: a try that finds the lock taken, deadlines that pass, an
   owner that died. */
// EXPECT: clean
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <time.h>

static const struct timespec past = {0, 0};
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_mutex_t robust;

static void* FindAllTaken(void* unused) {
  if (pthread_mutex_trylock(&mutex) != EBUSY || pthread_mutex_timedlock(&mutex, &past) != ETIMEDOUT) abort();
  if (pthread_rwlock_tryrdlock(&rwlock) != EBUSY || pthread_rwlock_timedwrlock(&rwlock, &past) != ETIMEDOUT)
    abort();
  pthread_mutex_lock(&robust);
  return unused;
}

int main(void) {
  pthread_t other;
  sem_t empty;
  pthread_mutexattr_t attr;
  pthread_mutexattr_init(&attr);
  pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
  pthread_mutex_init(&robust, &attr);
  sem_init(&empty, 0, 0);
  pthread_mutex_lock(&mutex);
  pthread_rwlock_wrlock(&rwlock);
  pthread_create(&other, NULL, FindAllTaken, NULL);
  while (pthread_tryjoin_np(other, NULL) == EBUSY) {
  }
  pthread_rwlock_unlock(&rwlock);
  pthread_mutex_unlock(&mutex);
  if (sem_trywait(&empty) == 0 || errno != EAGAIN || sem_timedwait(&empty, &past) == 0 || errno != ETIMEDOUT)
    abort();
  if (pthread_mutex_lock(&robust) != EOWNERDEAD || pthread_mutex_consistent(&robust) != 0) abort();
  pthread_mutex_unlock(&robust);
  sem_destroy(&empty);
  return 0;
}
