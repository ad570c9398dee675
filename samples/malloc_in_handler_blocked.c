/* A handler allocates and rolls dice, and main keeps its signal away while it does so itself. */
// EXPECT: clean
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/time.h>
#include <unistd.h>

static volatile sig_atomic_t drawn;

static void Draw(int signal) {
  (void)signal;
  void* volatile frame = malloc(50000);
  free(frame);
  drawn += random() >= 0;
}

static void* Idle(void* gate) {
  pthread_barrier_wait(gate);
  return NULL;
}

int main(void) {
  enum { kDrawings = 20 };
  sigset_t alarms;
  sigemptyset(&alarms);
  sigaddset(&alarms, SIGALRM);
  pthread_sigmask(SIG_BLOCK, &alarms, NULL);
  pthread_barrier_t gate;
  pthread_barrier_init(&gate, NULL, 2);
  pthread_t idle;  // with a second thread malloc takes its lock
  pthread_create(&idle, NULL, Idle, &gate);
  signal(SIGALRM, Draw);
  const struct itimerval often = {{0, 300}, {0, 300}};
  setitimer(ITIMER_REAL, &often, NULL);
  while (drawn < kDrawings) {
    void* volatile block = malloc(20000);
    free(block);
    random();
    pthread_sigmask(SIG_UNBLOCK, &alarms, NULL);
    pthread_sigmask(SIG_BLOCK, &alarms, NULL);
  }
  pthread_barrier_wait(&gate);
  pthread_join(idle, NULL);
  pthread_barrier_destroy(&gate);
  return 0;
}
