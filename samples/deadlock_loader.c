/* One thread walks over the loaded libraries and logs each under its mutex, another loads one under that
   mutex: the dynamic loader's own lock closes the ring, while a third thread goes on with its work. */
// OPTIONS: --on-deadlock=kill
// HANGS
// EXPECT: deadlock
#define _GNU_SOURCE
#include <dlfcn.h>
#include <link.h>
#include <pthread.h>
#include <unistd.h>

static pthread_mutex_t log_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t both;

static int Log(struct dl_phdr_info* library, size_t size, void* unused) {
  (void)library;
  (void)size;
  (void)unused;
  pthread_barrier_wait(&both);
  pthread_mutex_lock(&log_mutex);
  pthread_mutex_unlock(&log_mutex);
  return 1;
}

static void* Walk(void* unused) {
  dl_iterate_phdr(Log, NULL);
  return unused;
}

static void* Work(void* unused) {
  for (;;) {
    usleep(10000);
  }
  return unused;
}

int main(void) {
  pthread_t walker;
  pthread_t worker;
  pthread_barrier_init(&both, NULL, 2);
  pthread_create(&worker, NULL, Work, NULL);
  pthread_detach(worker);
  pthread_mutex_lock(&log_mutex);
  pthread_create(&walker, NULL, Walk, NULL);
  pthread_barrier_wait(&both);
  dlopen("libresolv.so.2", RTLD_NOW);
  pthread_mutex_unlock(&log_mutex);
  pthread_join(walker, NULL);
}
