/* A mutex that two processes share is held by one of them when it forks: the child waits for it like
 * everybody else. */
// EXPECT: clean
#include <pthread.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

int main(void) {
  pthread_mutex_t* mutex =
      mmap(NULL, sizeof(*mutex), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
  pthread_mutex_init(mutex, &attributes);
  pthread_mutex_lock(mutex);
  const pid_t child = fork();
  if (child == 0) {
    pthread_mutex_lock(mutex);
    pthread_mutex_unlock(mutex);
    _exit(0);
  }
  /* Long enough for whoever takes the child to hold it to call this a deadlock. */
  const struct timespec while_it_waits = {1, 500000000};
  nanosleep(&while_it_waits, NULL);
  pthread_mutex_unlock(mutex);
  int status = 0;
  waitpid(child, &status, 0);
  pthread_mutex_destroy(mutex);
  return status;
}
