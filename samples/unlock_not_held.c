/* An error path unlocks once more than it locked. */
// EXPECT: unlock-not-held
#include <pthread.h>

static pthread_mutex_t session_mutex = PTHREAD_MUTEX_INITIALIZER;

static int Open(int fail) {
  int result = 0;
  pthread_mutex_lock(&session_mutex);
  if (fail) {
    pthread_mutex_unlock(&session_mutex);
    result = -1;
  }
  pthread_mutex_unlock(&session_mutex);
  return result;
}

int main(void) { return Open(1) == -1 ? 0 : 1; }
