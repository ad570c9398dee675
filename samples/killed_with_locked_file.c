/* A worker is killed with a file locked, which a child of its has open as well: the kernel keeps the lock. */
// OPTIONS: --on-deadlock=kill-tree
// HANGS
// EXPECT: lock-held-by-killed-process
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

static int orders[2], ready[2];

static int Serve(void) {
  char order;
  return write(ready[1], "", 1) != 1 || read(orders[0], &order, 1) != 1;
}

static void Work(void) {
  flock(open("locked_file", O_CREAT | O_RDWR, 0600), LOCK_EX);
  if (fork() == 0) {
    _exit(Serve());
  }
  pause();
}

int main(void) {
  char byte;
  if (pipe(orders) != 0 || pipe(ready) != 0) {
    return 1;
  }
  const pid_t worker = fork();
  if (worker == 0) {
    close(orders[1]);
    Work();
  }
  if (read(ready[0], &byte, 1) != 1) {
    return 1;
  }
  kill(worker, SIGKILL);
  waitpid(worker, NULL, 0);
  flock(open("locked_file", O_RDWR), LOCK_EX);
  return write(orders[1], "", 1) != 1;
}
