/* A thread ends itself with pthread_exit deep inside a critical section. */
// EXPECT: lock-held-at-thread-exit
#include <pthread.h>
#include <stddef.h>

static pthread_mutex_t parser_mutex = PTHREAD_MUTEX_INITIALIZER;

static void Fail(void) { pthread_exit(NULL); }

static void* Parse(void* text) {
  pthread_mutex_lock(&parser_mutex);
  if (text == NULL) Fail();
  pthread_mutex_unlock(&parser_mutex);
  return text;
}

int main(void) {
  pthread_t thread;
  pthread_create(&thread, NULL, Parse, NULL);
  pthread_join(thread, NULL);
  return 0;
}
