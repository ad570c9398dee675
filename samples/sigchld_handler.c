/* A handler of SIGCHLD reaps whoever has ended. */
// OPTIONS: --grace-ms=300
// EXPECT: clean
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile sig_atomic_t reaped;

static void Reap(int signal_number) {
  const int saved = errno;
  (void)signal_number;
  while (waitpid(-1, NULL, WNOHANG) > 0) ++reaped;
  errno = saved;
}

int main(void) {
  struct sigaction action = {.sa_handler = Reap, .sa_flags = SA_RESTART};
  sigset_t blocked, before;
  sigaction(SIGCHLD, &action, NULL);
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGCHLD);
  sigprocmask(SIG_BLOCK, &blocked, &before);
  for (int i = 0; i < 4; ++i) {
    if (fork() == 0) _exit(0);
  }
  while (reaped < 4) sigsuspend(&before);
  return 0;
}
