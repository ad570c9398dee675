/* The owner of a robust mutex ended with it: who takes it knows that, and joins the owner while holding it.
 */
// EXPECT: clean
#include <errno.h>
#include <pthread.h>
#include <stddef.h>

static pthread_mutex_t mutex;

static void* TakeAndEnd(void* unused) {
  pthread_mutex_lock(&mutex);
  return unused;
}

int main(void) {
  pthread_mutexattr_t attr;
  pthread_t owner;
  pthread_mutexattr_init(&attr);
  pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
  pthread_mutex_init(&mutex, &attr);
  pthread_create(&owner, NULL, TakeAndEnd, NULL);
  int result = 0;
  while ((result = pthread_mutex_lock(&mutex)) == 0) pthread_mutex_unlock(&mutex);
  if (result != EOWNERDEAD) return 1;
  pthread_mutex_consistent(&mutex);
  pthread_join(owner, NULL);
  pthread_mutex_unlock(&mutex);
  pthread_mutex_destroy(&mutex);
  return 0;
}
