/* Waits for a file lock that another descriptor of the program has, but not for longer than its timer:
 * flock(2) has no deadline, and the signal of the timer breaks it off. */
// EXPECT: clean
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/time.h>
#include <unistd.h>

static void on_alarm(int signal) { (void)signal; }

int main(void) {
  char name[] = "/tmp/gordian-sample-XXXXXX";
  const int first = mkstemp(name);
  FILE* again = fopen(name, "r");
  unlink(name);
  struct sigaction action = {.sa_handler = on_alarm}; /* without SA_RESTART: the call returns EINTR */
  sigaction(SIGALRM, &action, NULL);
  const struct itimerval limit = {.it_value = {2, 500000}};
  setitimer(ITIMER_REAL, &limit, NULL);
  if (flock(first, LOCK_EX) != 0 || flock(fileno(again), LOCK_EX) == 0) {
    return 1;
  }
  fclose(again);
  return 0;
}
