/* The C11 interface: its calls do not go through pthread_mutex_lock, and mixing both is fine. */
// EXPECT: clean
#include <pthread.h>
#include <threads.h>

static mtx_t c11_mutex;
static pthread_mutex_t posix_mutex = PTHREAD_MUTEX_INITIALIZER;
static int count;

static int Count(void* unused) {
  (void)unused;
  for (int i = 0; i < 1000; ++i) {
    mtx_lock(&c11_mutex);
    pthread_mutex_lock(&posix_mutex);
    ++count;
    pthread_mutex_unlock(&posix_mutex);
    mtx_unlock(&c11_mutex);
  }
  return 0;
}

int main(void) {
  thrd_t one, other;
  mtx_init(&c11_mutex, mtx_plain);
  thrd_create(&one, Count, NULL);
  thrd_create(&other, Count, NULL);
  thrd_join(one, NULL);
  thrd_join(other, NULL);
  mtx_destroy(&c11_mutex);
  return count == 2000 ? 0 : 1;
}
