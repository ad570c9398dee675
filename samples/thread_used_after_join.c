/* A thread is joined, and then cancelled or signalled by the id that it had. */
// RUN: cancel
// RUN: kill
// EXPECT: join-misuse warning
#include <pthread.h>
#include <signal.h>
#include <string.h>

static void* Nothing(void* unused) { return unused; }

int main(int argc, char** argv) {
  pthread_t thread;
  if (pthread_create(&thread, NULL, Nothing, NULL) != 0 || pthread_join(thread, NULL) != 0) {
    return 1;
  }
  if (argc > 1 && strcmp(argv[1], "cancel") == 0) {
    pthread_cancel(thread);
  } else {
    pthread_kill(thread, 0);
  }
  return 0;
}
