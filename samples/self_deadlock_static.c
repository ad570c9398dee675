/* A statically initialised mutex of the default kind is locked twice by one thread; another one lives on. */
// OPTIONS: --on-deadlock=kill
// HANGS
// EXPECT: self-deadlock
#include <pthread.h>
#include <unistd.h>

static pthread_mutex_t state_mutex = PTHREAD_MUTEX_INITIALIZER;

static void Update(void) {
  pthread_mutex_lock(&state_mutex);
  pthread_mutex_unlock(&state_mutex);
}

static void* Worker(void* unused) {
  pthread_mutex_lock(&state_mutex);
  Update();
  pthread_mutex_unlock(&state_mutex);
  return unused;
}

int main(void) {
  pthread_t worker;
  pthread_create(&worker, NULL, Worker, NULL);
  for (;;) pause();
}
