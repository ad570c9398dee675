/* A thread is cancelled in pthread_cond_wait. It wakes with the mutex held; its clean-up handler unlocks. */
// EXPECT: clean
#include <pthread.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t never = PTHREAD_COND_INITIALIZER;
static pthread_cond_t started = PTHREAD_COND_INITIALIZER;
static int waiting;

static void Unlock(void* which) { pthread_mutex_unlock(which); }

static void* Wait(void* unused) {
  pthread_mutex_lock(&mutex);
  pthread_cleanup_push(Unlock, &mutex);
  waiting = 1;
  pthread_cond_signal(&started);
  for (;;) pthread_cond_wait(&never, &mutex);
  pthread_cleanup_pop(1);
  return unused;
}

int main(void) {
  pthread_t thread;
  void* result = NULL;
  pthread_mutex_lock(&mutex);
  pthread_create(&thread, NULL, Wait, NULL);
  while (!waiting) pthread_cond_wait(&started, &mutex);
  pthread_mutex_unlock(&mutex);
  pthread_cancel(thread);
  pthread_join(thread, &result);
  pthread_mutex_lock(&mutex);
  pthread_mutex_unlock(&mutex);
  return result == PTHREAD_CANCELED ? 0 : 1;
}
