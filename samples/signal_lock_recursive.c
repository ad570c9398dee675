/* Handlers that do not hang: one takes a recursive lock again, one only tries, one takes a lock of its own,
 * and one reports a crash. */
// EXPECT: clean
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

static pthread_mutex_t recursive = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
static pthread_mutex_t tried = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t own = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t crashes = PTHREAD_MUTEX_INITIALIZER;

static void use(pthread_mutex_t* mutex) {
  pthread_mutex_lock(mutex);
  pthread_mutex_unlock(mutex);
}

static void on_signal(int signal) {
  (void)signal;
  use(&recursive);
  use(&own);
  if (pthread_mutex_trylock(&tried) == 0) {
    pthread_mutex_unlock(&tried);
  }
}

static void on_crash(int signal) {
  (void)signal;
  use(&crashes);
}

int main(void) {
  signal(SIGALRM, on_signal);
  signal(SIGSEGV, on_crash);
  use(&recursive);
  use(&tried);
  use(&crashes);
  raise(SIGALRM);
  raise(SIGSEGV);
  return 0;
}
