/* A supervisor kills a worker that is inside a mutex in shared memory; another worker waits for it for good.
 */
// OPTIONS: --on-deadlock=kill-tree
// HANGS
// EXPECT: lock-held-by-killed-process
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

struct Board {
  pthread_mutex_t mutex;
  sem_t inside;
};

static void Work(struct Board* board) {
  pthread_mutex_lock(&board->mutex);
  sem_post(&board->inside);
  pause();
}

int main(void) {
  struct Board* board = mmap(NULL, sizeof(*board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  pthread_mutexattr_t shared;
  pthread_mutexattr_init(&shared);
  pthread_mutexattr_setpshared(&shared, PTHREAD_PROCESS_SHARED);
  pthread_mutex_init(&board->mutex, &shared);
  sem_init(&board->inside, 1, 0);
  const pid_t worker = fork();
  if (worker == 0) {
    Work(board);
  }
  sem_wait(&board->inside);
  kill(worker, SIGKILL);
  waitpid(worker, NULL, 0);
  const pid_t next = fork();
  if (next == 0) {
    Work(board);
  }
  waitpid(next, NULL, 0);
  return 0;
}
