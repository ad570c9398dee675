/* One thread prints a table with the stream locked and asks for the data meanwhile, another prints with the
 * data locked. */
// EXPECT: lock-order-cycle
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

static pthread_mutex_t data_mutex = PTHREAD_MUTEX_INITIALIZER;
static atomic_int printed;

static void* PrintTable(void* log) {
  flockfile(log);
  for (int row = 0; row < 3; ++row) {
    pthread_mutex_lock(&data_mutex);
    putc_unlocked('.', (FILE*)log);
    pthread_mutex_unlock(&data_mutex);
  }
  funlockfile(log);
  printed = 1;
  return NULL;
}

static void* PrintChange(void* log) {
  /* Patience, not order: the table is usually out by now. */
  for (int ms = 0; ms < 20000 && !printed; ++ms) usleep(1000);
  pthread_mutex_lock(&data_mutex);
  flockfile(log);
  putc_unlocked('!', (FILE*)log);
  funlockfile(log);
  pthread_mutex_unlock(&data_mutex);
  return NULL;
}

int main(void) {
  pthread_t table, change;
  FILE* log = fopen("/dev/null", "w");
  pthread_create(&table, NULL, PrintTable, log);
  pthread_create(&change, NULL, PrintChange, log);
  pthread_join(table, NULL);
  pthread_join(change, NULL);
  return fclose(log);
}
