/* A worker is killed after it took the one item that a semaphore counted: the semaphore is a signal, which
 * the parent posts again. */
// EXPECT: clean
#include <semaphore.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

struct Board {
  sem_t items, taken;
};

static pid_t StartWorker(struct Board* board) {
  const pid_t worker = fork();
  if (worker == 0) {
    sem_wait(&board->items);
    sem_post(&board->taken);
    pause();
  }
  return worker;
}

static void End(pid_t worker) {
  kill(worker, SIGKILL);
  waitpid(worker, NULL, 0);
}

int main(void) {
  struct Board* board = mmap(NULL, sizeof(*board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  sem_init(&board->items, 1, 1);
  sem_init(&board->taken, 1, 0);
  const pid_t first = StartWorker(board);
  sem_wait(&board->taken);
  End(first);
  const pid_t second = StartWorker(board);
  sem_post(&board->items);
  sem_wait(&board->taken);
  End(second);
  return 0;
}
