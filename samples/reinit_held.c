/* A reset function initialises the whole object again while its lock is held. */
// EXPECT: reinit-in-use
#include <pthread.h>

static struct {
  pthread_mutex_t mutex;
  int value;
} counter;

static void Reset(void) {
  pthread_mutex_init(&counter.mutex, NULL);
  counter.value = 0;
}

int main(void) {
  Reset();
  pthread_mutex_lock(&counter.mutex);
  Reset();
  pthread_mutex_destroy(&counter.mutex);
  return 0;
}
