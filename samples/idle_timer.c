/* Nobody but a timer is left to post: it has a thread of libc's own, which no hook sees. */
// EXPECT: clean
#include <semaphore.h>
#include <signal.h>
#include <stddef.h>
#include <time.h>

static sem_t tick;

static void Tick(union sigval unused) {
  (void)unused;
  sem_post(&tick);
}

int main(void) {
  struct sigevent event = {.sigev_notify = SIGEV_THREAD, .sigev_notify_function = Tick};
  const struct itimerspec late = {.it_value = {.tv_sec = 2}};
  timer_t timer;
  sem_init(&tick, 0, 0);
  timer_create(CLOCK_MONOTONIC, &event, &timer);
  timer_settime(timer, 0, &late, NULL);
  sem_wait(&tick);
  return 0;
}
