/* Two threads print under the log's mutex: always the mutex first, then the stream. */
// EXPECT: clean
#include <pthread.h>
#include <stdio.h>

static pthread_mutex_t log_mutex = PTHREAD_MUTEX_INITIALIZER;

static void* Print(void* unused) {
  for (int i = 0; i < 1000; ++i) {
    pthread_mutex_lock(&log_mutex);
    flockfile(stderr);
    fputs("", stderr);
    funlockfile(stderr);
    pthread_mutex_unlock(&log_mutex);
  }
  return unused;
}

int main(void) {
  pthread_t other;
  pthread_create(&other, NULL, Print, NULL);
  Print(NULL);
  pthread_join(other, NULL);
}
