/* The child reads until the end of the pipe, which never comes: it has the pipe's writing end open itself. */
// OPTIONS: --on-deadlock=kill-tree
// HANGS
// EXPECT: deadlock
#include <stddef.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void) {
  int ends[2];
  char byte;
  if (pipe(ends) != 0) {
    return 1;
  }
  const pid_t child = fork();
  if (child == 0) {
    while (read(ends[0], &byte, 1) == 1) {
    }
    _exit(0);
  }
  close(ends[0]);
  if (write(ends[1], "work", 4) != 4) {
    return 1;
  }
  close(ends[1]);
  waitpid(child, NULL, 0);
  return 0;
}
