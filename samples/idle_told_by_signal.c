/* A server at rest: a handler of a signal tells it to end, and it tells its worker, who waits for work. */
// RUN: TERM
// RUN: ALRM
// EXPECT: clean
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static sem_t stop;
static int quit;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t work = PTHREAD_COND_INITIALIZER;

static void Tell(int unused) {
  (void)unused;
  sem_post(&stop);
}

static void* Work(void* unused) {
  pthread_mutex_lock(&mutex);
  while (!quit) pthread_cond_wait(&work, &mutex);
  pthread_mutex_unlock(&mutex);
  return unused;
}

int main(int argc, char** argv) {
  const char* name = argc > 1 ? argv[1] : "TERM";
  const int number = strcmp(name, "TERM") == 0 ? SIGTERM : SIGALRM;
  const struct sigaction action = {.sa_handler = Tell};
  pthread_t worker;
  sem_init(&stop, 0, 0);
  sigaction(number, &action, NULL);
  const pid_t child = fork();
  if (child == 0) {
    sleep(2);
    _exit(kill(getppid(), number));
  }
  pthread_create(&worker, NULL, Work, NULL);
  while (sem_wait(&stop) != 0 && errno == EINTR) continue;
  pthread_mutex_lock(&mutex);
  quit = 1;
  pthread_cond_signal(&work);
  pthread_mutex_unlock(&mutex);
  pthread_join(worker, NULL);
  return waitpid(child, NULL, 0) != child;
}
