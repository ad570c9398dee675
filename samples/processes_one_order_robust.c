/* Two children take two robust mutexes of shared memory in the same order, many times. */
// EXPECT: clean
#define _GNU_SOURCE
#include <sys/wait.h>
#include <unistd.h>

#include "two_shared_mutexes.h"

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
  shared = make_shared(PTHREAD_MUTEX_ROBUST);
  if (fork() == 0) {
    Take(&shared->accounts, &shared->journal);
  }
  if (fork() == 0) {
    Take(&shared->accounts, &shared->journal);
  }
  while (wait(NULL) > 0) {
  }
}
