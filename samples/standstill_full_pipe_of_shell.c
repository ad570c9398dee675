/* The parent waits for a shell before it reads what its command says, which is more than a pipe holds. That
   the shell catches SIGCHLD and SIGINT helps nobody. */
// OPTIONS: --on-deadlock=kill
// HANGS
// EXPECT: deadlock
#include <stddef.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void) {
  int ends[2];
  if (pipe(ends) != 0) {
    return 1;
  }
  const pid_t child = fork();
  if (child == 0) {
    dup2(ends[1], 1);
    close(ends[0]);
    close(ends[1]);
    execl("/bin/sh", "sh", "-c", "head -c 300000 /dev/zero; exit 0", (char*)NULL);
    _exit(127);
  }
  close(ends[1]);
  waitpid(child, NULL, 0);
  close(ends[0]);
}
