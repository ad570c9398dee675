/* Nobody but a timer is left to wake the program: its signal has a handler that posts. */
// EXPECT: clean
#include <errno.h>
#include <semaphore.h>
#include <signal.h>
#include <stddef.h>
#include <time.h>

static sem_t tick;

static void Tick(int unused) {
  (void)unused;
  sem_post(&tick);
}

int main(void) {
  const struct sigaction action = {.sa_handler = Tick};
  struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN};
  const struct itimerspec late = {.it_value = {.tv_sec = 2}};
  timer_t timer;
  sem_init(&tick, 0, 0);
  sigaction(SIGRTMIN, &action, NULL);
  timer_create(CLOCK_MONOTONIC, &event, &timer);
  timer_settime(timer, 0, &late, NULL);
  while (sem_wait(&tick) != 0 && errno == EINTR) continue;
  return 0;
}
