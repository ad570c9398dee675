/* Two children take two mutexes of shared memory in opposite orders; the parent waits behind them. */
// OPTIONS: --on-deadlock=kill
// HANGS
// EXPECT: deadlock
#define _GNU_SOURCE
#include <sys/wait.h>
#include <unistd.h>

#include "two_shared_mutexes.h"

static struct Shared* shared;

static void Take(pthread_mutex_t* outer, pthread_mutex_t* inner) {
  pthread_mutex_lock(outer);
  pthread_barrier_wait(&shared->both);
  pthread_mutex_lock(inner);
  _exit(0);
}

int main(void) {
  shared = make_shared(PTHREAD_MUTEX_STALLED);
  if (fork() == 0) {
    Take(&shared->accounts, &shared->journal);
  }
  if (fork() == 0) {
    Take(&shared->journal, &shared->accounts);
  }
  while (wait(NULL) > 0) {
  }
}
