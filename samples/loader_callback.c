/* One thread walks over the loaded libraries and logs each under its mutex; another loads one, and logs that
   only after the loader is done. */
// EXPECT: clean
#define _GNU_SOURCE
#include <dlfcn.h>
#include <link.h>
#include <pthread.h>
#include <stddef.h>

static pthread_mutex_t log_mutex = PTHREAD_MUTEX_INITIALIZER;

static int Log(struct dl_phdr_info* library, size_t size, void* unused) {
  (void)library;
  (void)size;
  (void)unused;
  pthread_mutex_lock(&log_mutex);
  pthread_mutex_unlock(&log_mutex);
  return 0;
}

static void* Walk(void* unused) {
  for (int i = 0; i < 1000; ++i) {
    dl_iterate_phdr(Log, NULL);
  }
  return unused;
}

int main(void) {
  pthread_t walker;
  pthread_create(&walker, NULL, Walk, NULL);
  void* library = dlopen("libresolv.so.2", RTLD_NOW);
  pthread_mutex_lock(&log_mutex);
  pthread_mutex_unlock(&log_mutex);
  pthread_join(walker, NULL);
  return library == NULL;
}
