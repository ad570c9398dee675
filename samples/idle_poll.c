/* Polls a pipe that another process writes to late, or a handler of a signal. */
// RUN: child
// RUN: handler
// EXPECT: clean
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int ends[2];

static void Tell(int unused) {
  (void)unused;
  const int error = errno;
  if (write(ends[1], "", 1) != 1) {
    _exit(1);
  }
  errno = error;
}

int main(int argc, char** argv) {
  const int by_handler = argc > 1 && strcmp(argv[1], "handler") == 0;
  const pid_t parent = getpid();
  if (pipe(ends) != 0) {
    return 1;
  }
  signal(SIGUSR1, Tell);
  const pid_t child = fork();
  if (child == 0) {
    sleep(2);
    _exit(by_handler ? kill(parent, SIGUSR1) != 0 : write(ends[1], "", 1) != 1);
  }
  struct pollfd wanted = {.fd = ends[0], .events = POLLIN};
  while (poll(&wanted, 1, -1) < 0 && errno == EINTR) continue;
  waitpid(child, NULL, 0);
  return 0;
}
