/* A mapped region goes away with a locked mutex in it. */
// EXPECT: free-in-use
#include <pthread.h>
#include <sys/mman.h>

struct Region {
  pthread_mutex_t mutex;
  char data[4000];
};

int main(void) {
  struct Region* region =
      mmap(NULL, sizeof(*region), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (region == MAP_FAILED) return 1;
  pthread_mutex_init(&region->mutex, NULL);
  pthread_mutex_lock(&region->mutex);
  munmap(region, sizeof(*region));
  return 0;
}
