/* A thread is cancelled or signalled before it is joined, also one that has ended, and one that has the id of
 * a former. */
// EXPECT: clean
#include <pthread.h>
#include <signal.h>

static void* Nothing(void* unused) { return unused; }

int main(void) {
  for (int i = 0; i < 20; ++i) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, Nothing, NULL) != 0) {
      return 1;
    }
    pthread_kill(thread, 0);
    pthread_cancel(thread);
    if (pthread_join(thread, NULL) != 0) {
      return 1;
    }
  }
  return 0;
}
