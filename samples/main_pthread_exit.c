/* Main ends itself with pthread_exit; a detached thread goes on and ends the process. */
// EXPECT: clean
#include <pthread.h>
#include <stdlib.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_t main_thread;

static void* GoOn(void* unused) {
  pthread_join(main_thread, NULL);
  pthread_mutex_lock(&mutex);
  pthread_mutex_unlock(&mutex);
  exit(0);
  return unused;
}

int main(void) {
  pthread_t thread;
  main_thread = pthread_self();
  pthread_create(&thread, NULL, GoOn, NULL);
  pthread_detach(thread);
  pthread_exit(NULL);
}
