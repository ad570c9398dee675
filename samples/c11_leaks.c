/* A C11 thread ends with a mutex locked, which is then destroyed; another thread is never joined. */
// EXPECT: lock-held-at-thread-exit
// EXPECT: destroy-in-use
// EXPECT: thread-unjoined note
#include <sys/syscall.h>
#include <threads.h>
#include <unistd.h>

static mtx_t mutex, own;

static int LockAndEnd(void* unused) {
  (void)unused;
  mtx_lock(&mutex);
  thrd_exit(0);
}

static int SayTid(void* place) {
  *(volatile int*)place = (int)syscall(SYS_gettid);
  return 0;
}

int main(void) {
  thrd_t thread;
  volatile int tid = 0;
  static volatile int detached_tid;
  mtx_init(&mutex, mtx_plain);
  mtx_init(&own, mtx_recursive);
  mtx_lock(&own);
  thrd_create(&thread, LockAndEnd, NULL);
  thrd_join(thread, NULL);
  mtx_destroy(&mutex);
  mtx_unlock(&own);
  mtx_destroy(&own);
  thrd_create(&thread, SayTid, (void*)&detached_tid);
  thrd_detach(thread);
  thrd_create(&thread, SayTid, (void*)&tid);
  while (tid == 0 || syscall(SYS_tgkill, getpid(), tid, 0) == 0) usleep(1000);
  return 0;
}
