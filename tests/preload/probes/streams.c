// flockfile, ftrylockfile, funlockfile and what closes a stream.
#define _GNU_SOURCE
#include <semaphore.h>
#include <sys/syscall.h>

#include "probe.h"

static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
static sem_t holding, leave;
static FILE* stream;

static void* TryElsewhere(void* unused) {
  const int result = ftrylockfile(stream);
  Say(" elsewhere %d", result != 0);
  if (result == 0) {
    funlockfile(stream);
  }
  return unused;
}
static void InThread(void* (*run)(void*)) {
  pthread_t thread;
  pthread_create(&thread, NULL, run, NULL);
  pthread_join(thread, NULL);
}

static int Calls(void) {
  stream = tmpfile();
  flockfile(stream);
  Say("try %d", ftrylockfile(stream));
  flockfile(stream);
  InThread(TryElsewhere);
  Say(" write %d", fprintf(stream, "x") == 1);
  funlockfile(stream);
  funlockfile(stream);
  InThread(TryElsewhere);
  funlockfile(stream);
  InThread(TryElsewhere);
  Say(" close %d\n", fclose(stream));
  return 0;
}

// Streams that come and go at one address, held in one order and the other, and closed while held.
static int Closed(void) {
  for (int i = 0; i < 4; ++i) {
    FILE* own = fopen("/dev/null", "w");
    if (i % 2 == 0) {
      flockfile(own);
      pthread_mutex_lock(&m);
      pthread_mutex_unlock(&m);
    } else {
      pthread_mutex_lock(&m);
      flockfile(own);
      pthread_mutex_unlock(&m);
    }
    Say("close %d\n", fclose(own));
  }
  pthread_mutex_lock(&m);
  pthread_mutex_unlock(&m);
  return 0;
}

static void* Hold(void* unused) {
  flockfile(stream);
  sem_post(&holding);
  sem_wait(&leave);
  funlockfile(stream);
  return unused;
}
static void* Leave(void* unused) {
  while (SleepsIn(getpid(), getpid()) != SYS_futex) {
    usleep(1000);
  }
  sem_post(&leave);
  return unused;
}
// Closed by one while another writes to it: it waits for the lock.
static int ClosedInUse(void) {
  pthread_t holder, helper;
  stream = fopen("/dev/null", "w");
  pthread_create(&holder, NULL, Hold, NULL);
  sem_wait(&holding);
  pthread_create(&helper, NULL, Leave, NULL);
  Say("close %d\n", fclose(stream));
  pthread_join(holder, NULL);
  pthread_join(helper, NULL);
  return 0;
}

static int Forked(void) {
  pthread_t holder;
  stream = fopen("/dev/null", "w");
  pthread_create(&holder, NULL, Hold, NULL);
  sem_wait(&holding);
  const pid_t child = fork();
  if (child == 0) {
    flockfile(stream);
    funlockfile(stream);
    _exit(fclose(stream));
  }
  Reap("child", child);
  sem_post(&leave);
  pthread_join(holder, NULL);
  Say("close %d\n", fclose(stream));
  return 0;
}

int main(int argc, char** argv) {
  sem_init(&holding, 0, 0);
  sem_init(&leave, 0, 0);
  static const struct Scenario kScenarios[] = {
      {"calls", Calls}, {"closed", Closed}, {"closed-in-use", ClosedInUse}, {"forked", Forked}, {NULL, NULL}};
  return RunScenario(kScenarios, argc, argv);
}
