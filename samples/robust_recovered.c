/* A thread ends with a robust mutex locked. The next one is told so, repairs the state and goes on. */
// EXPECT: clean
#include <errno.h>
#include <pthread.h>

static pthread_mutex_t journal_mutex;

static void* Die(void* unused) {
  pthread_mutex_lock(&journal_mutex);
  return unused;
}

int main(void) {
  pthread_mutexattr_t attr;
  pthread_t thread;
  pthread_mutexattr_init(&attr);
  pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
  pthread_mutex_init(&journal_mutex, &attr);
  pthread_create(&thread, NULL, Die, NULL);
  pthread_join(thread, NULL);
  if (pthread_mutex_lock(&journal_mutex) != EOWNERDEAD) return 1;
  pthread_mutex_consistent(&journal_mutex);
  pthread_mutex_unlock(&journal_mutex);
  pthread_mutex_destroy(&journal_mutex);
  return 0;
}
