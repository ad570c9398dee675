/* One semaphore is opened as "/name" and as "name": libc maps it twice, and it is one lock all the same. */
// EXPECT: lock-order-cycle
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

static pthread_mutex_t cache = PTHREAD_MUTEX_INITIALIZER;
static sem_t *by_path, *by_name;
static atomic_int filled;

static void* Fill(void* unused) {
  sem_wait(by_path);
  pthread_mutex_lock(&cache);
  pthread_mutex_unlock(&cache);
  sem_post(by_path);
  filled = 1;
  return unused;
}

static void* Drop(void* unused) {
  /* Patience, not order: the other is usually done by now. */
  for (int ms = 0; ms < 20000 && !filled; ++ms) usleep(1000);
  pthread_mutex_lock(&cache);
  sem_wait(by_name);
  sem_post(by_name);
  pthread_mutex_unlock(&cache);
  return unused;
}

int main(void) {
  pthread_t filler, dropper;
  char name[64];
  snprintf(name, sizeof(name), "/gordian-names-%d", (int)getpid());
  by_path = sem_open(name, O_CREAT | O_EXCL, 0600, 1);
  by_name = sem_open(name + 1, 0);
  if (by_path == SEM_FAILED || by_name == SEM_FAILED) return 1;
  pthread_create(&filler, NULL, Fill, NULL);
  pthread_create(&dropper, NULL, Drop, NULL);
  pthread_join(filler, NULL);
  pthread_join(dropper, NULL);
  sem_close(by_path);
  if (by_name != by_path) sem_close(by_name);
  return sem_unlink(name);
}
