/* A process is killed while it holds a robust mutex in shared memory; its parent recovers the mutex. */
// EXPECT: clean
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void) {
  pthread_mutex_t* mutex =
      mmap(NULL, sizeof(*mutex), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  pthread_mutexattr_t attr;
  if (mutex == MAP_FAILED) return 1;
  pthread_mutexattr_init(&attr);
  pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
  pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
  pthread_mutex_init(mutex, &attr);
  const pid_t child = fork();
  if (child == 0) {
    pthread_mutex_lock(mutex);
    raise(SIGKILL);
  }
  waitpid(child, NULL, 0);
  if (pthread_mutex_lock(mutex) != EOWNERDEAD) return 1;
  pthread_mutex_consistent(mutex);
  pthread_mutex_unlock(mutex);
  pthread_mutex_destroy(mutex);
  munmap(mutex, sizeof(*mutex));
  return 0;
}
