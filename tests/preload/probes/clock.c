// As a library (-DLIBRARY): a time of the program's own, as libfaketime makes it, which passes with each
// look. As a program: holds a lock for a moment.
#include <time.h>

#include "probe.h"

#ifdef LIBRARY
int clock_gettime(clockid_t clock, struct timespec* time) {
  static int looks;
  (void)clock;
  *time = (struct timespec){1000 * __atomic_add_fetch(&looks, 1, __ATOMIC_RELAXED), 0};
  return 0;
}
#else
int main(void) {
  static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  struct timespec time;
  pthread_mutex_lock(&mutex);
  clock_gettime(CLOCK_MONOTONIC, &time);
  pthread_mutex_unlock(&mutex);
  Say("%d\n", time.tv_sec % 1000 == 0);
  return 0;
}
#endif
