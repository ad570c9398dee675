/* Two mutexes in memory that a process and its children share, and a barrier for two of these. */
#include <pthread.h>
#include <sys/mman.h>

struct Shared {
  pthread_mutex_t accounts;
  pthread_mutex_t journal;
  pthread_barrier_t both;
};

/* `robust`: PTHREAD_MUTEX_ROBUST or PTHREAD_MUTEX_STALLED. */
static struct Shared* make_shared(int robust) {
  pthread_mutexattr_t mutex;
  pthread_barrierattr_t barrier;
  struct Shared* shared =
      mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  pthread_mutexattr_init(&mutex);
  pthread_mutexattr_setpshared(&mutex, PTHREAD_PROCESS_SHARED);
  pthread_mutexattr_setrobust(&mutex, robust);
  pthread_mutex_init(&shared->accounts, &mutex);
  pthread_mutex_init(&shared->journal, &mutex);
  pthread_barrierattr_init(&barrier);
  pthread_barrierattr_setpshared(&barrier, PTHREAD_PROCESS_SHARED);
  pthread_barrier_init(&shared->both, &barrier, 2);
  return shared;
}
