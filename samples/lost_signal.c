/* The signal comes before its waiter, who looks at no variable first: the condition has forgotten it by then.
 */
// OPTIONS: --on-deadlock=kill
// HANGS
// EXPECT: deadlock
// EXPECT: lost-signal
#include <pthread.h>
#include <semaphore.h>
#include <stddef.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t loaded = PTHREAD_COND_INITIALIZER;
static sem_t begin;

static void* Use(void* unused) {
  sem_wait(&begin);
  pthread_mutex_lock(&mutex);
  pthread_cond_wait(&loaded, &mutex);
  pthread_mutex_unlock(&mutex);
  return unused;
}

int main(void) {
  pthread_t user;
  sem_init(&begin, 0, 0);
  pthread_create(&user, NULL, Use, NULL);
  pthread_cond_signal(&loaded);
  sem_post(&begin);
  pthread_join(user, NULL);
  return 0;
}
