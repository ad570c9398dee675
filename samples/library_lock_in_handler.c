/* A handler rolls dice. random() has a lock in the C library, and the signal comes while main rolls. */
// OPTIONS: --on-deadlock=kill
// HANGS
// EXPECT: self-deadlock
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/time.h>
#include <unistd.h>

static volatile long rolled;

static void Roll(int signal) {
  (void)signal;
  rolled = random();
}

static void* Beat(void* unused) {
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
  pthread_t beat;
  pthread_create(&beat, NULL, Beat, NULL);
  pthread_sigmask(SIG_UNBLOCK, &alarms, NULL);
  signal(SIGALRM, Roll);
  const struct itimerval often = {{0, 300}, {0, 300}};
  setitimer(ITIMER_REAL, &often, NULL);
  for (;;) {
    rolled = random();
  }
}
