/* The plain C form: two threads, two statically initialised mutexes, two orders. */
// EXPECT: lock-order-cycle
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

static pthread_mutex_t config_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t log_mutex = PTHREAD_MUTEX_INITIALIZER;
static atomic_int reloaded;

static void* Reload(void* unused) {
  pthread_mutex_lock(&config_mutex);
  pthread_mutex_lock(&log_mutex);
  pthread_mutex_unlock(&log_mutex);
  pthread_mutex_unlock(&config_mutex);
  reloaded = 1;
  return unused;
}

static void* Rotate(void* unused) {
  /* Patience, not order: the reload is usually over by now. */
  for (int ms = 0; ms < 20000 && !reloaded; ++ms) usleep(1000);
  pthread_mutex_lock(&log_mutex);
  pthread_mutex_lock(&config_mutex);
  pthread_mutex_unlock(&config_mutex);
  pthread_mutex_unlock(&log_mutex);
  return unused;
}

int main(void) {
  pthread_t reload, rotate;
  pthread_create(&reload, NULL, Reload, NULL);
  pthread_create(&rotate, NULL, Rotate, NULL);
  pthread_join(reload, NULL);
  pthread_join(rotate, NULL);
  return 3; /* a program's own exit code wins */
}
