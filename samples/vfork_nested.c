/* Each of twelve processes starts the next by vfork and waits for it. So deep they go on as forks, which
 * nobody can tell apart. */
// EXPECT: clean
#include <sys/wait.h>
#include <unistd.h>

static int Start(int more) {
  if (more == 0) {
    return 7;
  }
  const pid_t child = vfork();
  if (child == 0) {
    _exit(Start(more - 1));
  }
  int status = 0;
  return waitpid(child, &status, 0) == child && WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

int main(void) { return Start(12) != 7; }
