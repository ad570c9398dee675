/* A worker is killed with a file locked, and nobody else has it open: the kernel gives it to who waits. */
// EXPECT: clean
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void) {
  int ready[2];
  char byte;
  if (pipe(ready) != 0) {
    return 1;
  }
  const pid_t worker = fork();
  if (worker == 0) {
    flock(open("locked_file", O_CREAT | O_RDWR, 0600), LOCK_EX);
    if (write(ready[1], "", 1) == 1) {
      pause();
    }
    _exit(1);
  }
  if (read(ready[0], &byte, 1) != 1) {
    return 1;
  }
  kill(worker, SIGKILL);
  waitpid(worker, NULL, 0);
  return flock(open("locked_file", O_RDWR), LOCK_EX);
}
