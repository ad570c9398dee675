/* SIGCHLD is ignored, so the kernel reaps the children itself: there is nothing to wait for. */
// OPTIONS: --grace-ms=300
// EXPECT: clean
#include <signal.h>
#include <unistd.h>

int main(void) {
  signal(SIGCHLD, SIG_IGN);
  for (int i = 0; i < 3; ++i) {
    if (fork() == 0) _exit(0);
  }
  usleep(1000000); /* other work */
  return 0;
}
