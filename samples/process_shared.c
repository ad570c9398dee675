/* Parent and child count together under one mutex in shared memory. */
// EXPECT: clean
#include <pthread.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

struct Shared {
  pthread_mutex_t mutex;
  long count;
};

static void Count(struct Shared* shared) {
  for (int i = 0; i < 1000; ++i) {
    pthread_mutex_lock(&shared->mutex);
    ++shared->count;
    pthread_mutex_unlock(&shared->mutex);
  }
}

int main(void) {
  struct Shared* shared =
      mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  pthread_mutexattr_t attr;
  if (shared == MAP_FAILED) return 1;
  pthread_mutexattr_init(&attr);
  pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
  pthread_mutex_init(&shared->mutex, &attr);
  const pid_t child = fork();
  Count(shared);
  if (child == 0) _exit(0);
  waitpid(child, NULL, 0);
  const long count = shared->count;
  pthread_mutex_destroy(&shared->mutex);
  munmap(shared, sizeof(*shared));
  return count == 2000 ? 0 : 1;
}
