/* Sleeps as long as one that would be told of as blocking-while-locked, but holds nothing by then; and a
   condition wait gives its mutex up. */
// EXPECT: clean
#include <pthread.h>
#include <time.h>
#include <unistd.h>

static pthread_mutex_t device = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

int main(void) {
  struct timespec deadline;
  pthread_mutex_lock(&device);
  pthread_mutex_unlock(&device);
  usleep(200 * 1000);
  clock_gettime(CLOCK_REALTIME, &deadline);
  deadline.tv_sec += 1;
  pthread_mutex_lock(&device);
  pthread_cond_timedwait(&changed, &device, &deadline);
  pthread_mutex_unlock(&device);
  return 0;
}
