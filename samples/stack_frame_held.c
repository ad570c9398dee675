/* A function leaves through its error path with its own local mutex locked: the frame is gone, the lock was
 * never released. */
// EXPECT: free-in-use
#include <pthread.h>
#include <stddef.h>

static pthread_mutex_t global_mutex = PTHREAD_MUTEX_INITIALIZER;

static int Sum(const int* values) {
  pthread_mutex_t mutex;
  pthread_mutex_init(&mutex, NULL);
  pthread_mutex_lock(&mutex);
  if (values == NULL) return -1;
  const int sum = values[0] + values[1];
  pthread_mutex_unlock(&mutex);
  pthread_mutex_destroy(&mutex);
  return sum;
}

int main(void) {
  const int sum = Sum(NULL);
  pthread_mutex_lock(&global_mutex);
  pthread_mutex_unlock(&global_mutex);
  return sum == -1 ? 0 : 1;
}
