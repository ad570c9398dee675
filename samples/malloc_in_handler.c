/* A handler of a timer's signal allocates. Sooner or later the signal comes while the program is in malloc.
 */
// OPTIONS: --on-deadlock=kill
// HANGS
// EXPECT: self-deadlock
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/time.h>
#include <unistd.h>

static void Draw(int signal) {
  (void)signal;
  void* volatile frame = malloc(50000);
  free(frame);
}

static void* Idle(void* unused) {
  for (;;) {
    pause();
  }
  return unused;
}

int main(void) {
  sigset_t alarms;
  sigemptyset(&alarms);
  sigaddset(&alarms, SIGALRM);
  pthread_sigmask(SIG_BLOCK, &alarms, NULL);
  pthread_t idle;  // with a second thread malloc takes its lock
  pthread_create(&idle, NULL, Idle, NULL);
  pthread_sigmask(SIG_UNBLOCK, &alarms, NULL);
  signal(SIGALRM, Draw);
  const struct itimerval often = {{0, 300}, {0, 300}};
  setitimer(ITIMER_REAL, &often, NULL);
  for (long i = 0;; i++) {
    void* volatile block = malloc(20000 + i % 7 * 4000);
    free(block);
  }
}
