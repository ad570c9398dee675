// A library tries at its start what the C library can do: whether it tells of a lock that is taken twice, and
// of an owner that ended with a robust mutex of two processes. Both answers are what it asks for.
// EXPECT: clean
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static bool TellsOfRelocking(void) {
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ERRORCHECK);
  pthread_mutex_t mutex;
  pthread_mutex_init(&mutex, &attributes);
  pthread_mutex_lock(&mutex);
  const bool tells = pthread_mutex_lock(&mutex) == EDEADLK;
  pthread_mutex_unlock(&mutex);
  pthread_mutex_destroy(&mutex);
  pthread_mutexattr_destroy(&attributes);
  return tells;
}

static bool TellsOfDeadOwner(void) {
  pthread_mutex_t* mutex =
      mmap(NULL, sizeof(*mutex), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
  pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
  pthread_mutex_init(mutex, &attributes);
  const pid_t child = fork();
  if (child == 0) {
    _exit(pthread_mutex_lock(mutex));
  }
  waitpid(child, NULL, 0);
  const bool tells = pthread_mutex_lock(mutex) == EOWNERDEAD && pthread_mutex_consistent(mutex) == 0;
  pthread_mutex_unlock(mutex);
  pthread_mutex_destroy(mutex);
  return tells;
}

int main(void) {
  printf("%d %d\n", TellsOfRelocking(), TellsOfDeadOwner());
  return 0;
}
