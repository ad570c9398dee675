/* A table is printed under the lock of stdout and asks for the log's mutex; who logs prints under that mutex.
 */
// OPTIONS: --on-deadlock=kill
// HANGS
// EXPECT: deadlock
#include <pthread.h>
#include <stdio.h>

static pthread_mutex_t log_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t both;

static void* PrintTable(void* unused) {
  flockfile(stdout);
  pthread_barrier_wait(&both);
  pthread_mutex_lock(&log_mutex);
  puts("row");
  pthread_mutex_unlock(&log_mutex);
  funlockfile(stdout);
  return unused;
}

int main(void) {
  pthread_t table;
  pthread_barrier_init(&both, NULL, 2);
  pthread_create(&table, NULL, PrintTable, NULL);
  pthread_mutex_lock(&log_mutex);
  pthread_barrier_wait(&both);
  printf("a line\n");
  pthread_mutex_unlock(&log_mutex);
  pthread_join(table, NULL);
}
