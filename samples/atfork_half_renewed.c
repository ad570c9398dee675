/* A library's handler makes one of its two locks anew in the child. The other one, which another thread held
 * at the fork, stays locked there. */
// EXPECT: fork-while-locked
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

static pthread_mutex_t table = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t held, forked;

static void Renew(void) { pthread_mutex_init(&table, NULL); }

static void* use(void* argument) {
  pthread_mutex_lock(&table);
  pthread_mutex_lock(&log_lock);
  pthread_barrier_wait(&held);
  pthread_barrier_wait(&forked);
  pthread_mutex_unlock(&log_lock);
  pthread_mutex_unlock(&table);
  return argument;
}

int main(void) {
  pthread_t thread;
  pthread_barrier_init(&held, NULL, 2);
  pthread_barrier_init(&forked, NULL, 2);
  pthread_atfork(NULL, NULL, Renew);
  pthread_create(&thread, NULL, use, NULL);
  pthread_barrier_wait(&held);
  const pid_t child = fork();
  if (child == 0) {
    _exit(0);
  }
  pthread_barrier_wait(&forked);
  waitpid(child, NULL, 0);
  pthread_join(thread, NULL);
  return 0;
}
