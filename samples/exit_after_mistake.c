// A thread destroys a mutex that main holds; main ends the program with it. The mistake is told, and not
// again that the lock was held at the end.
// EXPECT: destroy-in-use
#include <pthread.h>
#include <stdlib.h>

static pthread_mutex_t ledger = PTHREAD_MUTEX_INITIALIZER;

static void* CleanUp(void* unused) {
  pthread_mutex_destroy(&ledger);
  return unused;
}

int main(void) {
  pthread_t cleaner;
  pthread_mutex_lock(&ledger);
  pthread_create(&cleaner, NULL, CleanUp, NULL);
  pthread_join(cleaner, NULL);
  exit(0);
}
