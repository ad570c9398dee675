// The library of unloaded.c. Its lock lives in its data and goes with it.
#include <pthread.h>

static pthread_mutex_t mine = PTHREAD_MUTEX_INITIALIZER;

static int Both(pthread_mutex_t* first, pthread_mutex_t* second) {
  return pthread_mutex_lock(first) | pthread_mutex_lock(second) | pthread_mutex_unlock(second) |
         pthread_mutex_unlock(first);
}

int OwnFirst(pthread_mutex_t* own) { return Both(own, &mine); }
int MineFirst(pthread_mutex_t* own) { return Both(&mine, own); }
