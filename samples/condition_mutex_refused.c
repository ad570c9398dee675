/* The same with an error checking mutex: the wait returns EPERM at once, and the loop around it would spin.
 */
// EXPECT: condition-mutex
#include <errno.h>
#include <pthread.h>

int main(void) {
  pthread_mutexattr_t attr;
  pthread_mutex_t mutex;
  pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
  pthread_mutexattr_init(&attr);
  pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ERRORCHECK);
  pthread_mutex_init(&mutex, &attr);
  const int error = pthread_cond_wait(&changed, &mutex);
  pthread_cond_destroy(&changed);
  pthread_mutex_destroy(&mutex);
  return error == EPERM ? 0 : 1;
}
