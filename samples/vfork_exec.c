/* Children by vfork, which borrows the parent's memory until exec. One of them execs what does not exist. */
// EXPECT: clean
#define _DEFAULT_SOURCE
#include <sys/wait.h>
#include <unistd.h>

static int Run(const char* path) {
  int status = 0;
  const pid_t child = vfork();
  if (child == 0) {
    execl(path, path, (char*)NULL);
    _exit(127);
  }
  waitpid(child, &status, 0);
  return WEXITSTATUS(status);
}

int main(void) {
  for (int i = 0; i < 20; ++i) {
    if (Run("/bin/true") != 0) return 1;
  }
  return Run("/nonexistent") == 127 ? 0 : 2;
}
