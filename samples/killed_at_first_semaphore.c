/* A worker is killed inside a semaphore in shared memory that lets one in, the first time that anybody takes
 * it: nobody has posted it yet, and it was made to be a lock. */
// OPTIONS: --on-deadlock=kill
// HANGS
// EXPECT: lock-held-by-killed-process
#include <semaphore.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

struct Board {
  sem_t lock, inside;
};

int main(void) {
  struct Board* board = mmap(NULL, sizeof(*board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  sem_init(&board->lock, 1, 1);
  sem_init(&board->inside, 1, 0);
  const pid_t worker = fork();
  if (worker == 0) {
    sem_wait(&board->lock);
    sem_post(&board->inside);
    pause();
  }
  sem_wait(&board->inside);
  kill(worker, SIGKILL);
  /* Not reaped yet: how it ended is known from the zombie. */
  return sem_wait(&board->lock);
}
