/* A supervisor kills a worker that has left the mutex in shared memory, and another worker takes it after
 * that. */
// EXPECT: clean
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

struct Board {
  pthread_mutex_t mutex;
  sem_t done;
};

static void Work(struct Board* board) {
  pthread_mutex_lock(&board->mutex);
  pthread_mutex_unlock(&board->mutex);
  sem_post(&board->done);
}

int main(void) {
  struct Board* board = mmap(NULL, sizeof(*board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  pthread_mutexattr_t shared;
  pthread_mutexattr_init(&shared);
  pthread_mutexattr_setpshared(&shared, PTHREAD_PROCESS_SHARED);
  pthread_mutex_init(&board->mutex, &shared);
  sem_init(&board->done, 1, 0);
  const pid_t worker = fork();
  if (worker == 0) {
    Work(board);
    pause();
  }
  sem_wait(&board->done);
  kill(worker, SIGKILL);
  waitpid(worker, NULL, 0);
  Work(board);
  return 0;
}
