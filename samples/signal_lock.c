/* The handler of SIGHUP writes to the log, and the code that it interrupts may be writing to it: the thread
 * then waits for itself. */
// EXPECT: lock-in-signal-handler error
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
  struct sigaction action = {.sa_handler = on_hangup};
  sigemptyset(&action.sa_mask);
  for (int round = 0; round < 2; ++round) {
    write_log(); /* the same place before and after there is a handler */
    sigaction(SIGHUP, &action, NULL);
  }
  raise(SIGHUP);
  return 0;
}
