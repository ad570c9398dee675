/* Both ends of a socket pair wait for the other one to begin, but each has a time after which it does so
   itself. Of that the call says nothing: it is an option of the socket. */
// EXPECT: clean
#include <stddef.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static int Converse(int end) {
  const struct timeval patience = {.tv_sec = 2};
  char byte = 0;
  setsockopt(end, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  return read(end, &byte, 1) < 0 && write(end, &byte, 1) < 0;
}

int main(void) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) {
    return 1;
  }
  const pid_t child = fork();
  if (child == 0) {
    close(ends[0]);
    _exit(Converse(ends[1]));
  }
  close(ends[1]);
  Converse(ends[0]);
  waitpid(child, NULL, 0);
  return 0;
}
