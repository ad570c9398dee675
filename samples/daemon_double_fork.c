/* A daemon as the book says: fork, setsid, fork again. It is meant to outlive the one who started it. */
// OPTIONS: --grace-ms=300
// EXPECT: clean
#include <sys/wait.h>
#include <unistd.h>

int main(void) {
  const pid_t child = fork();
  if (child == 0) {
    setsid();
    if (fork() != 0) _exit(0);
    if (chdir("/") != 0) _exit(1);
    close(0);
    close(1);
    close(2);
    usleep(1500000); /* the daemon's work */
    _exit(0);
  }
  waitpid(child, NULL, 0);
  return 0;
}
