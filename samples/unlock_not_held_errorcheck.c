/* The same with an error checking mutex: the call says EPERM and changes nothing. */
// EXPECT: unlock-not-held warning
#include <errno.h>
#include <pthread.h>

int main(void) {
  pthread_mutexattr_t attr;
  pthread_mutex_t mutex;
  pthread_mutexattr_init(&attr);
  pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ERRORCHECK);
  pthread_mutex_init(&mutex, &attr);
  const int error = pthread_mutex_unlock(&mutex);
  pthread_mutex_destroy(&mutex);
  return error == EPERM ? 0 : 1;
}
