/* A stream's lock is recursive, and goes with the stream: the next one at its address is another lock. */
// EXPECT: clean
#include <pthread.h>
#include <stdio.h>

static pthread_mutex_t data_mutex = PTHREAD_MUTEX_INITIALIZER;

static void* DataFirst(void* unused) {
  FILE* log = fopen("/dev/null", "w");
  pthread_mutex_lock(&data_mutex);
  flockfile(log);
  flockfile(log);
  fputs("change\n", log);
  funlockfile(log);
  pthread_mutex_unlock(&data_mutex);
  fclose(log);
  return unused;
}

static void* StreamFirst(void* unused) {
  FILE* log = fopen("/dev/null", "w");
  flockfile(log);
  pthread_mutex_lock(&data_mutex);
  fputs("table\n", log);
  pthread_mutex_unlock(&data_mutex);
  funlockfile(log);
  fclose(log);
  return unused;
}

int main(void) {
  pthread_t thread;
  for (int i = 0; i < 4; ++i) {
    pthread_create(&thread, NULL, i % 2 == 0 ? DataFirst : StreamFirst, NULL);
    pthread_join(thread, NULL);
  }
  return 0;
}
