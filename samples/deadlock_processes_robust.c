/* Two children take two robust mutexes of shared memory in opposite orders; the parent waits behind them. */
// OPTIONS: --on-deadlock=kill
// HANGS
// EXPECT: deadlock
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
  pthread_mutex_lock(outer);
  pthread_barrier_wait(&shared->both);
  pthread_mutex_lock(inner);
  _exit(0);
}

int main(void) {
  pthread_mutexattr_t mutex;
  pthread_barrierattr_t barrier;
  shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  pthread_mutexattr_init(&mutex);
  pthread_mutexattr_setpshared(&mutex, PTHREAD_PROCESS_SHARED);
  pthread_mutexattr_setrobust(&mutex, PTHREAD_MUTEX_ROBUST);
  pthread_mutex_init(&shared->accounts, &mutex);
  pthread_mutex_init(&shared->journal, &mutex);
  pthread_barrierattr_init(&barrier);
  pthread_barrierattr_setpshared(&barrier, PTHREAD_PROCESS_SHARED);
  pthread_barrier_init(&shared->both, &barrier, 2);
  if (fork() == 0) {
    Take(&shared->accounts, &shared->journal);
  }
  if (fork() == 0) {
    Take(&shared->journal, &shared->accounts);
  }
  while (wait(NULL) > 0) {
  }
}
