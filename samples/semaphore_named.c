/* A named semaphore of one and a mutex, in two orders. Opened three times, it is one semaphore. */
// EXPECT: lock-order-cycle
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

static pthread_mutex_t index_mutex = PTHREAD_MUTEX_INITIALIZER;
static atomic_int stored;
static char name[64];

static void* Store(void* unused) {
  sem_t* store = sem_open(name, 0);
  sem_wait(store);
  pthread_mutex_lock(&index_mutex);
  pthread_mutex_unlock(&index_mutex);
  sem_post(store);
  sem_close(store);
  stored = 1;
  return unused;
}

static void* Compact(void* unused) {
  sem_t* store = sem_open(name, 0);
  /* Patience, not order: the other is usually done by now. */
  for (int ms = 0; ms < 20000 && !stored; ++ms) usleep(1000);
  pthread_mutex_lock(&index_mutex);
  sem_wait(store);
  sem_post(store);
  pthread_mutex_unlock(&index_mutex);
  sem_close(store);
  return unused;
}

int main(void) {
  pthread_t storer, compactor;
  snprintf(name, sizeof(name), "/gordian-sample-%d", (int)getpid());
  sem_t* store = sem_open(name, O_CREAT | O_EXCL, 0600, 1);
  if (store == SEM_FAILED) return 1;
  pthread_create(&storer, NULL, Store, NULL);
  pthread_create(&compactor, NULL, Compact, NULL);
  pthread_join(storer, NULL);
  pthread_join(compactor, NULL);
  sem_close(store);
  return sem_unlink(name + 1);
}
