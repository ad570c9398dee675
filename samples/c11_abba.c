/* C11 mutexes in two orders: one thread by lock, the other by lock and with a condition's wait in between. */
// EXPECT: lock-order-cycle
#include <stdatomic.h>
#include <threads.h>
#include <unistd.h>

static mtx_t index_mutex, queue_mutex;
static cnd_t filled;
static atomic_int stored;

static int Store(void* unused) {
  (void)unused;
  mtx_lock(&index_mutex);
  mtx_lock(&queue_mutex);
  cnd_signal(&filled);
  mtx_unlock(&queue_mutex);
  mtx_unlock(&index_mutex);
  stored = 1;
  return 1;
}

static int Fetch(void* unused) {
  (void)unused;
  struct timespec past = {0, 0};
  /* Patience, not order: the store is usually over by now. */
  for (int ms = 0; ms < 20000 && !stored; ++ms) usleep(1000);
  mtx_lock(&queue_mutex);
  cnd_timedwait(&filled, &queue_mutex, &past);
  mtx_lock(&index_mutex);
  mtx_unlock(&index_mutex);
  mtx_unlock(&queue_mutex);
  thrd_exit(2);
}

int main(void) {
  thrd_t store, fetch;
  int a = 0, b = 0;
  mtx_init(&index_mutex, mtx_plain);
  mtx_init(&queue_mutex, mtx_plain | mtx_recursive);
  cnd_init(&filled);
  thrd_create(&store, Store, NULL);
  thrd_create(&fetch, Fetch, NULL);
  thrd_join(store, &a);
  thrd_join(fetch, &b);
  return a + b;
}
