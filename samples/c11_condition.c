/* C11 only: the waiter gives its mutex up while it waits, so that the other thread's order of locks is no
 * inversion. */
// EXPECT: clean
#include <threads.h>

static mtx_t box_mutex, print_mutex;
static cnd_t filled;
static once_flag made = ONCE_FLAG_INIT;
static int box;

static void Make(void) {
  mtx_init(&box_mutex, mtx_plain);
  mtx_init(&print_mutex, mtx_timed);
  cnd_init(&filled);
}

static int Fill(void* unused) {
  (void)unused;
  call_once(&made, Make);
  mtx_lock(&print_mutex);
  mtx_lock(&box_mutex);
  box = 42;
  cnd_broadcast(&filled);
  mtx_unlock(&box_mutex);
  mtx_unlock(&print_mutex);
  return 0;
}

int main(void) {
  thrd_t filler;
  int result = -1;
  call_once(&made, Make);
  mtx_lock(&box_mutex);
  thrd_create(&filler, Fill, NULL);
  while (box == 0) cnd_wait(&filled, &box_mutex);
  mtx_unlock(&box_mutex);
  thrd_join(filler, &result);
  mtx_destroy(&box_mutex);
  mtx_destroy(&print_mutex);
  cnd_destroy(&filled);
  return result;
}
