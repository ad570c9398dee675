/* An error jumps out of nested calls with longjmp; the lock of the outer function is released there. */
// EXPECT: clean
#include <pthread.h>
#include <setjmp.h>

static pthread_mutex_t outer_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t inner_mutex = PTHREAD_MUTEX_INITIALIZER;
static jmp_buf failed;

static void Parse(int depth) {
  if (depth == 0) longjmp(failed, 1);
  if (depth > 0) Parse(depth - 1);
}

static int Try(void) {
  pthread_mutex_lock(&outer_mutex);
  const int jumped = setjmp(failed);
  if (jumped == 0) {
    pthread_mutex_lock(&inner_mutex);
    Parse(20);
  }
  pthread_mutex_unlock(&inner_mutex);
  pthread_mutex_unlock(&outer_mutex);
  return jumped;
}

int main(void) {
  int failures = 0;
  for (int i = 0; i < 100; ++i) failures += Try();
  return failures == 100 ? 0 : 1;
}
