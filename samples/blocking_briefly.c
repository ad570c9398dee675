/* Sleeps with the lock held, but for less than what is told of as blocking-while-locked here. */
// EXPECT: clean
// OPTIONS: --hold-ms 60000
#include <pthread.h>
#include <unistd.h>

static pthread_mutex_t device = PTHREAD_MUTEX_INITIALIZER;

int main(void) {
  pthread_mutex_lock(&device);
  usleep(150 * 1000);
  pthread_mutex_unlock(&device);
  return 0;
}
