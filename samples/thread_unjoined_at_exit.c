/* Nobody joins three threads, and main returns at once: whether they were quicker is luck, the verdict is
 * not. */
// EXPECT: thread-unjoined note
#include <pthread.h>
#include <stddef.h>

static void* Answer(void* question) { return question; }

int main(void) {
  pthread_t thread;
  for (int i = 0; i < 3; ++i) pthread_create(&thread, NULL, Answer, NULL);
  return 0;
}
