/* Parent and child wait with poll, select or epoll, each for the other to begin. */
// RUN: poll
// RUN: select
// RUN: epoll
// OPTIONS: --on-deadlock=kill-tree
// HANGS
// EXPECT: deadlock
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static void Wait(const char* how, int end) {
  if (strcmp(how, "poll") == 0) {
    struct pollfd wanted = {.fd = end, .events = POLLIN};
    poll(&wanted, 1, -1);
  } else if (strcmp(how, "select") == 0) {
    fd_set wanted;
    FD_ZERO(&wanted);
    FD_SET(end, &wanted);
    select(end + 1, &wanted, NULL, NULL, NULL);
  } else {
    struct epoll_event event = {.events = EPOLLIN};
    const int set = epoll_create1(EPOLL_CLOEXEC);
    epoll_ctl(set, EPOLL_CTL_ADD, end, &event);
    epoll_wait(set, &event, 1, -1);
  }
}

int main(int argc, char** argv) {
  const char* how = argc > 1 ? argv[1] : "poll";
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) {
    return 1;
  }
  const pid_t child = fork();
  if (child == 0) {
    close(ends[0]);
    Wait(how, ends[1]);
    _exit(0);
  }
  close(ends[1]);
  Wait(how, ends[0]);
  waitpid(child, NULL, 0);
  return 0;
}
