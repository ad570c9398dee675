/* Waits for work without having locked the mutex: the wait unlocks what nobody holds, and a signal can be
 * missed. */
// EXPECT: condition-mutex
#include <pthread.h>
#include <time.h>

static pthread_mutex_t queue_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t queue_changed = PTHREAD_COND_INITIALIZER;
static int work = 0;

int main(void) {
  const struct timespec past = {0, 0};
  while (work == 0 && pthread_cond_timedwait(&queue_changed, &queue_mutex, &past) == 0) {
  }
  pthread_mutex_unlock(&queue_mutex);
  return 0;
}
