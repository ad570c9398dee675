/* Each end of a socket pair waits for the other one to begin the conversation. */
// OPTIONS: --on-deadlock=kill-tree
// HANGS
// EXPECT: deadlock
#include <stddef.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void) {
  int ends[2];
  char byte;
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) {
    return 1;
  }
  const pid_t child = fork();
  if (child == 0) {
    close(ends[0]);
    _exit(read(ends[1], &byte, 1) < 0);
  }
  close(ends[1]);
  if (read(ends[0], &byte, 1) < 0) {
    return 1;
  }
  waitpid(child, NULL, 0);
  return 0;
}
