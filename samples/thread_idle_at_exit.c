/* A pool of workers waits for work when main returns. A server that is never to end need not join them. */
// EXPECT: thread-running-at-exit
#include <pthread.h>
#include <stddef.h>
#include <unistd.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t work = PTHREAD_COND_INITIALIZER;
static int waiting;

static void* Work(void* unused) {
  pthread_mutex_lock(&mutex);
  ++waiting;
  while (1) pthread_cond_wait(&work, &mutex);
  return unused;
}

static int Waiting(void) {
  pthread_mutex_lock(&mutex);
  const int count = waiting;
  pthread_mutex_unlock(&mutex);
  return count;
}

int main(void) {
  pthread_t worker;
  for (int i = 0; i < 4; ++i) pthread_create(&worker, NULL, Work, NULL);
  while (Waiting() < 4) usleep(1000);
  return 0;
}
