// Conditions, semaphores and onces by which one thread lets another go on, or nobody.
#define _GNU_SOURCE
#include <semaphore.h>
#include <unistd.h>

#include "probe.h"

static sem_t there, back;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_once_t plain_once = PTHREAD_ONCE_INIT;
static int turn;

static void* Answer(void* times) {
  for (int i = 0; i < *(int*)times; ++i) {
    sem_wait(&there);
    sem_post(&back);
  }
  return NULL;
}

static int PingPong(int times) {
  pthread_t thread;
  sem_init(&there, 0, 0);
  sem_init(&back, 0, 0);
  pthread_create(&thread, NULL, Answer, &times);
  for (int i = 0; i < times; ++i) {
    sem_post(&there);
    sem_wait(&back);
  }
  pthread_join(thread, NULL);
  Say("%d times\n", times);
  return 0;
}
static int Few(void) { return PingPong(3); }
static int Many(void) { return PingPong(500); }

static void* WaitForTurn(void* unused) {
  pthread_mutex_lock(&mutex);
  turn = 1;
  while (turn != 2) {
    pthread_cond_wait(&condition, &mutex);
  }
  pthread_mutex_unlock(&mutex);
  return unused;
}

static int Condition(void) {
  pthread_t thread;
  pthread_create(&thread, NULL, WaitForTurn, NULL);
  for (int told = 0; !told; usleep(1000)) {
    pthread_mutex_lock(&mutex);
    if (turn == 1) {
      told = turn = 2;
      pthread_cond_signal(&condition);
    }
    pthread_mutex_unlock(&mutex);
  }
  pthread_join(thread, NULL);
  Say("turn %d\n", turn);
  return 0;
}

// Nobody hears the signal, and nobody ends the wait.
static int Unheard(void) {
  const struct timespec past = {1, 0};
  pthread_mutex_lock(&mutex);
  Say("timed %d\n", pthread_cond_timedwait(&condition, &mutex, &past));
  pthread_mutex_unlock(&mutex);
  for (int i = 0; i < 100; ++i) {
    pthread_cond_signal(&condition);
    pthread_cond_broadcast(&condition);
  }
  return 0;
}

static void TakesALock(void) {
  pthread_mutex_lock(&mutex);
  pthread_mutex_unlock(&mutex);
}
static void TakesNone(void) { ++turn; }

static void* Call(void* unused) {
  for (int i = 0; i < 10; ++i) {
    pthread_once(&once, TakesALock);
    pthread_once(&plain_once, TakesNone);
  }
  return unused;
}

static int Onces(void) {
  Call(NULL);
  for (int i = 0; i < 3; ++i) {
    pthread_t thread;
    pthread_create(&thread, NULL, Call, NULL);
    pthread_join(thread, NULL);
  }
  Say("ran %d\n", turn);
  return 0;
}

int main(int argc, char** argv) {
  static const struct Scenario kScenarios[] = {
      {"few", Few},         {"many", Many},   {"condition", Condition},
      {"unheard", Unheard}, {"onces", Onces}, {NULL, NULL}};
  return RunScenario(kScenarios, argc, argv);
}
