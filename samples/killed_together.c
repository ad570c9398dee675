/* All who use a mutex in shared memory are killed together, one of them inside it: nobody is left to miss it.
 */
// EXPECT: clean
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static int ready[2];

static pid_t StartWorker(pthread_mutex_t* mutex, int stays_inside, pid_t group) {
  const pid_t worker = fork();
  if (worker == 0) {
    setpgid(0, group);
    pthread_mutex_lock(mutex);
    if (!stays_inside) {
      pthread_mutex_unlock(mutex);
    }
    if (write(ready[1], "", 1) == 1) {
      pause();
    }
    _exit(1);
  }
  return worker;
}

int main(void) {
  char byte;
  pthread_mutex_t* mutex =
      mmap(NULL, sizeof(*mutex), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  pthread_mutexattr_t shared;
  pthread_mutexattr_init(&shared);
  pthread_mutexattr_setpshared(&shared, PTHREAD_PROCESS_SHARED);
  pthread_mutex_init(mutex, &shared);
  if (pipe(ready) != 0) {
    return 1;
  }
  const pid_t first = StartWorker(mutex, 0, 0);
  const int began = read(ready[0], &byte, 1) == 1;
  const pid_t second = StartWorker(mutex, 1, first);
  if (!began || read(ready[0], &byte, 1) != 1) {
    return 1;
  }
  kill(-first, SIGKILL);
  waitpid(first, NULL, 0);
  waitpid(second, NULL, 0);
  return 0;
}
