// A program whose function is chosen at run time by a resolver that makes hooked calls: it runs while the
// program is being relocated, before any constructor and before thread-local variables have their values.
#include <semaphore.h>

#include "probe.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static int runs;

static void Count(void) { ++runs; }
static int Chosen(void) { return 5; }

static int (*Choose(void))(void) {
  int failed =
      pthread_mutex_lock(&mutex) | (pthread_mutex_trylock(&mutex) != EBUSY) | pthread_mutex_unlock(&mutex);
  failed |= pthread_rwlock_rdlock(&rwlock) | pthread_rwlock_unlock(&rwlock);
  sem_t semaphore;
  failed |=
      sem_init(&semaphore, 0, 1) | sem_wait(&semaphore) | sem_post(&semaphore) | sem_destroy(&semaphore);
  failed |= pthread_once(&once, Count);
  const int fd = open("/proc/self/auxv", O_RDONLY);
  failed |= fd < 0 || close(fd) != 0;
  runs += failed == 0;
  return Chosen;
}
int Function(void) __attribute__((ifunc("Choose")));

int main(void) {
  Say("chosen %d\n", Function());
  Say("before main %d\n", runs);
  return 0;
}
