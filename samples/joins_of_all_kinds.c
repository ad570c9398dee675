/* Threads joined with tryjoin, timedjoin, clockjoin and join; the first tries find them still running. */
// EXPECT: clean
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <time.h>
#include <unistd.h>

static int gate[2];

static void* Wait(void* unused) {
  char byte;
  return read(gate[0], &byte, 1) == 1 ? unused : NULL;
}

int main(void) {
  pthread_t threads[4];
  struct timespec soon, late;
  if (pipe(gate) != 0) return 1;
  for (int i = 0; i < 4; ++i) pthread_create(&threads[i], NULL, Wait, NULL);
  clock_gettime(CLOCK_REALTIME, &soon);
  if (pthread_tryjoin_np(threads[0], NULL) != EBUSY) return 2;
  if (pthread_timedjoin_np(threads[1], NULL, &soon) != ETIMEDOUT) return 3;
  if (write(gate[1], "four", 4) != 4) return 4;
  while (pthread_tryjoin_np(threads[0], NULL) == EBUSY) usleep(1000);
  clock_gettime(CLOCK_REALTIME, &late);
  late.tv_sec += 60;
  if (pthread_timedjoin_np(threads[1], NULL, &late) != 0) return 5;
  clock_gettime(CLOCK_MONOTONIC, &late);
  late.tv_sec += 60;
  if (pthread_clockjoin_np(threads[2], NULL, CLOCK_MONOTONIC, &late) != 0) return 6;
  return pthread_join(threads[3], NULL) == 0 ? 0 : 7;
}
