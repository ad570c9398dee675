// C11's threads, mutexes and conditions through all calls: what every call returns.
#define _GNU_SOURCE
#include <semaphore.h>
#include <threads.h>
#include <time.h>

#include "probe.h"

static const struct timespec kPast = {1, 0};
static struct timespec Soon(void) {
  struct timespec now;
  timespec_get(&now, TIME_UTC);
  now.tv_nsec += 300000;
  now.tv_sec += now.tv_nsec / 1000000000;
  now.tv_nsec %= 1000000000;
  return now;
}

static int Elsewhere(void* mutex) {
  const struct timespec soon = Soon();
  const struct timespec wrong = {1, 2000000000};
  Say(" elsewhere: %d", mtx_trylock(mutex));
  Say(" %d", mtx_timedlock(mutex, &kPast));
  Say(" %d", mtx_timedlock(mutex, &soon));
  return mtx_timedlock(mutex, &wrong);
}

static int Kinds(void) {
  static const int kTypes[] = {mtx_plain, mtx_timed, mtx_plain | mtx_recursive, mtx_timed | mtx_recursive,
                               77};
  for (size_t i = 0; i < sizeof(kTypes) / sizeof(*kTypes); ++i) {
    mtx_t mutex;
    const int made = mtx_init(&mutex, kTypes[i]);
    Say("type %d: %d", kTypes[i], made);
    if (made != thrd_success) {
      continue;
    }
    Say(" lock %d", mtx_lock(&mutex));
    Say(" try again %d", mtx_trylock(&mutex));
    if ((kTypes[i] & mtx_recursive) != 0) {
      Say(" unlock %d", mtx_unlock(&mutex));
      Say(" lock again %d unlock %d", mtx_lock(&mutex), mtx_unlock(&mutex));
    }
    thrd_t thread;
    int result = -1;
    const int created = thrd_create(&thread, Elsewhere, &mutex);
    const int joined = thrd_join(thread, &result);
    Say(" create %d join %d", created, joined);
    Say(" result %d", result);
    mtx_destroy(&mutex);
    Say(" still locked %d", mtx_trylock(&mutex));
    Say(" unlock %d", mtx_unlock(&mutex));
    mtx_destroy(&mutex);
    Say(" destroyed %d\n", mtx_lock(&mutex));
  }
  return 0;
}

static mtx_t m, other;
static cnd_t condition;
static sem_t ready;
static int set;

static int Setter(void* unused) {
  (void)unused;
  mtx_lock(&m);
  set = 1;
  Say("signal %d broadcast %d\n", cnd_signal(&condition), cnd_broadcast(&condition));
  mtx_unlock(&m);
  return -5;
}
static int Conditions(void) {
  thrd_t thread;
  int result = 0;
  Say("init %d %d\n", mtx_init(&m, mtx_plain), cnd_init(&condition));
  mtx_lock(&m);
  const struct timespec soon = Soon();
  const struct timespec wrong = {1, 2000000000};
  Say("past %d", cnd_timedwait(&condition, &m, &kPast));
  Say(" soon %d", cnd_timedwait(&condition, &m, &soon));
  Say(" wrong %d\n", cnd_timedwait(&condition, &m, &wrong));
  thrd_create(&thread, Setter, NULL);
  while (!set) {
    Say("wait %d\n", cnd_wait(&condition, &m));
  }
  Say("still held: %d\n", mtx_trylock(&m));
  mtx_unlock(&m);
  Say("join %d", thrd_join(thread, &result));
  Say(" result %d\n", result);
  cnd_destroy(&condition);
  return 0;
}

static void Unlock(void* mutex) { Say("handler unlocks: %d\n", mtx_unlock(mutex)); }
static int WaitForGood(void* unused) {
  mtx_lock(&m);
  pthread_cleanup_push(Unlock, &m);
  sem_post(&ready);
  for (;;) {
    cnd_wait(&condition, &m);
  }
  pthread_cleanup_pop(0);
  return unused == NULL;
}
// What is taken after the handler is not taken inside.
static int Cancelled(void) {
  thrd_t thread;
  mtx_init(&m, mtx_plain);
  mtx_init(&other, mtx_plain);
  cnd_init(&condition);
  thrd_create(&thread, WaitForGood, NULL);
  sem_wait(&ready);
  mtx_lock(&other);
  mtx_lock(&m);
  mtx_unlock(&m);
  mtx_unlock(&other);
  pthread_cancel(thread);
  void* result = NULL;
  Say("join %d", pthread_join(thread, &result));
  Say(" cancelled %d", result == PTHREAD_CANCELED);
  Say(" mutex %d\n", mtx_trylock(&m));
  mtx_unlock(&m);
  return 0;
}

static int Exit(void* value) { thrd_exit(*(int*)value); }
static int Return(void* value) { return *(int*)value; }
static int Post(void* unused) {
  (void)unused;
  sem_post(&ready);
  return 0;
}
static int Threads(void) {
  static int values[] = {0, 1, -1, 1 << 30, -2147483647 - 1};
  for (size_t i = 0; i < sizeof(values) / sizeof(*values); ++i) {
    thrd_t thread;
    int result = 7;
    thrd_create(&thread, Exit, &values[i]);
    thrd_join(thread, &result);
    Say("%d", result);
    void* pointer = NULL;
    thrd_create(&thread, Return, &values[i]);
    pthread_join(thread, &pointer);
    Say(" %p", pointer);
    thrd_create(&thread, Return, &values[i]);
    Say(" %d", thrd_join(thread, NULL));
    thrd_create(&thread, Post, NULL);
    Say(" %d\n", thrd_detach(thread));
    sem_wait(&ready);
  }
  Say("self %d\n", thrd_join(thrd_current(), NULL));
  struct timespec left = {5, 5};
  const struct timespec none = {0, 1};
  const struct timespec wrong = {0, -1};
  Say("sleep %d", thrd_sleep(&none, &left));
  Say(" wrong %d %ld\n", thrd_sleep(&wrong, &left), (long)left.tv_sec);
  return 0;
}

static int ExitAfterMain(void* main_thread) {
  int result = 0;
  const int error = thrd_join(*(thrd_t*)main_thread, &result);
  Say("main joined %d result %d\n", error, result);
  return 0;
}
static thrd_t main_thread;
static int MainExits(void) {
  thrd_t thread;
  main_thread = thrd_current();
  thrd_create(&thread, ExitAfterMain, &main_thread);
  thrd_detach(thread);
  thrd_exit(3);
}

int main(int argc, char** argv) {
  sem_init(&ready, 0, 0);
  static const struct Scenario kScenarios[] = {{"kinds", Kinds},          {"conditions", Conditions},
                                               {"cancelled", Cancelled},  {"threads", Threads},
                                               {"main-exits", MainExits}, {NULL, NULL}};
  return RunScenario(kScenarios, argc, argv);
}
