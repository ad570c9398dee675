/* Two children take two mutexes of shared memory in the same order, many times. */
// EXPECT: clean
#define _GNU_SOURCE
#include <pthread.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

struct Shared {
  pthread_mutex_t accounts;
  pthread_mutex_t journal;
  pthread_barrier_t both;
};

static struct Shared* shared;

static void Take(pthread_mutex_t* outer, pthread_mutex_t* inner) {
  pthread_barrier_wait(&shared->both);
  for (int i = 0; i < 1000; ++i) {
    pthread_mutex_lock(outer);
    pthread_mutex_lock(inner);
    pthread_mutex_unlock(inner);
    pthread_mutex_unlock(outer);
  }
  _exit(0);
}

int main(void) {
  pthread_mutexattr_t mutex;
  pthread_barrierattr_t barrier;
  shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  pthread_mutexattr_init(&mutex);
  pthread_mutexattr_setpshared(&mutex, PTHREAD_PROCESS_SHARED);
  pthread_mutex_init(&shared->accounts, &mutex);
  pthread_mutex_init(&shared->journal, &mutex);
  pthread_barrierattr_init(&barrier);
  pthread_barrierattr_setpshared(&barrier, PTHREAD_PROCESS_SHARED);
  pthread_barrier_init(&shared->both, &barrier, 2);
  if (fork() == 0) {
    Take(&shared->accounts, &shared->journal);
  }
  if (fork() == 0) {
    Take(&shared->accounts, &shared->journal);
  }
  while (wait(NULL) > 0) {
  }
}
