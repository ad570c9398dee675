/* An error checking mutex is locked twice by one thread: it answers EDEADLK, which is no hang but is told. */
// EXPECT: api-error
#include <errno.h>
#include <pthread.h>

static pthread_mutex_t mutex;

int main(void) {
  pthread_mutexattr_t attr;
  pthread_mutexattr_init(&attr);
  pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ERRORCHECK);
  pthread_mutex_init(&mutex, &attr);
  pthread_mutexattr_destroy(&attr);
  pthread_mutex_lock(&mutex);
  const int again = pthread_mutex_lock(&mutex);
  pthread_mutex_unlock(&mutex);
  pthread_mutex_destroy(&mutex);
  return again == EDEADLK ? 0 : 1;
}
