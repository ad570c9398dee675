/* A thread that joins under a lock is cancelled meanwhile, and its clean-up handler releases the lock. */
// EXPECT: clean
#include <pthread.h>
#include <semaphore.h>
#include <stddef.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static sem_t holds;
static pthread_t worker;

static void Release(void* lock) { pthread_mutex_unlock(lock); }

static void* Work(void* unused) {
  sem_wait(&holds);
  pthread_mutex_lock(&mutex);
  pthread_mutex_unlock(&mutex);
  return unused;
}

static void* JoinHolding(void* unused) {
  pthread_mutex_lock(&mutex);
  pthread_cleanup_push(Release, &mutex);
  sem_post(&holds);
  pthread_join(worker, NULL);
  pthread_cleanup_pop(1);
  return unused;
}

int main(void) {
  pthread_t joiner;
  sem_init(&holds, 0, 0);
  pthread_create(&worker, NULL, Work, NULL);
  pthread_create(&joiner, NULL, JoinHolding, NULL);
  pthread_cancel(joiner);
  pthread_join(joiner, NULL);
  sem_post(&holds);
  pthread_join(worker, NULL);
  return 0;
}
