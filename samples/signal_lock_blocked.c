/* The handler takes a lock, but nobody holds it with the signal unblocked: it was taken so only before the
 * handler was there, and the handler runs where the program waits for it. */
// EXPECT: clean
#include <pthread.h>
#include <signal.h>

static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;
static int lines;

static void write_log(void) {
  pthread_mutex_lock(&log_lock);
  ++lines;
  pthread_mutex_unlock(&log_lock);
}

static void on_hangup(int signal) {
  (void)signal;
  write_log();
}

int main(void) {
  write_log();
  sigset_t hangup, none;
  sigemptyset(&none);
  sigemptyset(&hangup);
  sigaddset(&hangup, SIGHUP);
  pthread_sigmask(SIG_BLOCK, &hangup, NULL);
  struct sigaction action = {.sa_handler = on_hangup};
  sigemptyset(&action.sa_mask);
  sigaction(SIGHUP, &action, NULL);
  raise(SIGHUP);
  write_log();
  sigsuspend(&none);
  write_log();
  return 0;
}
