/* The parent waits for its child before it reads what that says, which is more than a pipe holds. */
// OPTIONS: --on-deadlock=kill-tree
// HANGS
// EXPECT: deadlock
#include <stddef.h>
#include <sys/wait.h>
#include <unistd.h>

static char report[1 << 20];

int main(void) {
  int ends[2];
  if (pipe(ends) != 0) {
    return 1;
  }
  const pid_t child = fork();
  if (child == 0) {
    close(ends[0]);
    _exit(write(ends[1], report, sizeof(report)) < 0);
  }
  close(ends[1]);
  waitpid(child, NULL, 0);
  return read(ends[0], report, sizeof(report)) < 0;
}
