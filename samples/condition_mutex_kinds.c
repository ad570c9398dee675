/* Waits with mutexes of every kind, each held by the waiter: recursive, error checking, priority inheriting,
   robust, and robust after its owner died. */
// EXPECT: clean
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

static void* DieHolding(void* mutex) {
  pthread_mutex_lock(mutex);
  return NULL;
}

static void WaitWith(int type, int protocol, int robust) {
  const struct timespec past = {0, 0};
  pthread_mutexattr_t attr;
  pthread_mutex_t mutex;
  pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
  pthread_mutexattr_init(&attr);
  pthread_mutexattr_settype(&attr, type);
  pthread_mutexattr_setprotocol(&attr, protocol);
  pthread_mutexattr_setrobust(&attr, robust);
  pthread_mutex_init(&mutex, &attr);
  if (robust == PTHREAD_MUTEX_ROBUST) {
    pthread_t owner;
    pthread_create(&owner, NULL, DieHolding, &mutex);
    pthread_join(owner, NULL);
    if (pthread_mutex_lock(&mutex) != EOWNERDEAD || pthread_mutex_consistent(&mutex) != 0) abort();
  } else {
    pthread_mutex_lock(&mutex);
  }
  if (pthread_cond_timedwait(&condition, &mutex, &past) != ETIMEDOUT) abort();
  pthread_mutex_unlock(&mutex);
  pthread_cond_destroy(&condition);
  pthread_mutex_destroy(&mutex);
  pthread_mutexattr_destroy(&attr);
}

int main(void) {
  WaitWith(PTHREAD_MUTEX_RECURSIVE, PTHREAD_PRIO_NONE, PTHREAD_MUTEX_STALLED);
  WaitWith(PTHREAD_MUTEX_ERRORCHECK, PTHREAD_PRIO_NONE, PTHREAD_MUTEX_STALLED);
  WaitWith(PTHREAD_MUTEX_NORMAL, PTHREAD_PRIO_INHERIT, PTHREAD_MUTEX_STALLED);
  WaitWith(PTHREAD_MUTEX_NORMAL, PTHREAD_PRIO_NONE, PTHREAD_MUTEX_ROBUST);
  WaitWith(PTHREAD_MUTEX_RECURSIVE, PTHREAD_PRIO_INHERIT, PTHREAD_MUTEX_ROBUST);
  return 0;
}
