/* A library's lock is held by another thread at the fork. Its handler makes the child's copy anew, as it
 * knows what the lock protects: nothing stays locked there. */
// EXPECT: clean
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

static pthread_mutex_t table = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t held, forked;

static void Renew(void) {
  static const pthread_mutex_t fresh = PTHREAD_MUTEX_INITIALIZER;
  pthread_mutex_init(&table, NULL);
  log_lock = fresh;
}

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
    pthread_mutex_lock(&table);
    pthread_mutex_unlock(&table);
    _exit(0);
  }
  pthread_barrier_wait(&forked);
  waitpid(child, NULL, 0);
  pthread_join(thread, NULL);
  return 0;
}
