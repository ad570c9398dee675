/* An updater locks a file, starts a helper that inherits it, and gives the lock back for both before it ends.
 */
// EXPECT: clean
#include <stdio.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

// The helper lives until the write end of the pipe is closed.
static pid_t StartHelper(const int gate[2]) {
  const pid_t helper = fork();
  if (helper == 0) {
    char byte;
    close(gate[1]);
    _exit(read(gate[0], &byte, 1) == 0 ? 0 : 1);
  }
  return helper;
}

int main(void) {
  int gate[2];
  if (pipe(gate) != 0) {
    return 1;
  }
  FILE* made = tmpfile();
  char path[64];
  snprintf(path, sizeof(path), "/proc/%d/fd/%d", getpid(), fileno(made));
  FILE* first = fopen(path, "r");
  FILE* second = fopen(path, "r");
  flock(fileno(first), LOCK_EX);
  const pid_t helper = StartHelper(gate);
  flock(fileno(first), LOCK_UN);
  fclose(first);
  flock(fileno(second), LOCK_EX);
  flock(fileno(second), LOCK_UN);
  fclose(second);
  close(gate[1]);
  waitpid(helper, NULL, 0);
  fclose(made);
  return 0;
}
