/* A pipe, a locked file, a semaphore: three processes, each of which waits for what only the next one gives.
 */
// OPTIONS: --on-deadlock=kill-tree
// HANGS
// EXPECT: deadlock
#include <fcntl.h>
#include <semaphore.h>
#include <stddef.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <unistd.h>

static int ends[2];
static sem_t *locked, *turn;

static int ReadUnderLock(void) {
  char byte;
  close(ends[1]);
  flock(open("ledger", O_CREAT | O_RDWR, 0600), LOCK_EX);
  sem_post(locked);
  return read(ends[0], &byte, 1) < 0;
}

static int WriteInTurn(void) {
  close(ends[0]);
  sem_wait(turn);
  return write(ends[1], "", 1) < 0;
}

int main(void) {
  locked = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  turn = locked + 1;
  sem_init(locked, 1, 0);
  sem_init(turn, 1, 0);
  if (pipe(ends) != 0) {
    return 1;
  }
  if (fork() == 0) {
    _exit(ReadUnderLock());
  }
  sem_wait(locked);
  if (fork() == 0) {
    _exit(WriteInTurn());
  }
  close(ends[0]);
  close(ends[1]);
  flock(open("ledger", O_RDWR), LOCK_EX);
  sem_post(turn);
  return 0;
}
