/* The signal comes before its waiter, but what it tells of stands in a variable: nobody needs the signal. */
// EXPECT: clean
#include <pthread.h>
#include <semaphore.h>
#include <stddef.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t loaded = PTHREAD_COND_INITIALIZER;
static int is_loaded;
static sem_t begin;

static void* Use(void* unused) {
  sem_wait(&begin);
  pthread_mutex_lock(&mutex);
  while (!is_loaded) {
    pthread_cond_wait(&loaded, &mutex);
  }
  pthread_mutex_unlock(&mutex);
  return unused;
}

int main(void) {
  pthread_t user;
  sem_init(&begin, 0, 0);
  pthread_create(&user, NULL, Use, NULL);
  pthread_mutex_lock(&mutex);
  is_loaded = 1;
  pthread_cond_signal(&loaded);
  pthread_mutex_unlock(&mutex);
  sem_post(&begin);
  pthread_join(user, NULL);
  return 0;
}
