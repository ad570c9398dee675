// Barriers: rounds of several threads and processes, wrong counts, and an end that comes too early.
#define _GNU_SOURCE
#include <sys/mman.h>

#include "probe.h"

static pthread_barrier_t barrier;

static void* Wait(void* times) {
  long serial = 0;
  for (int i = 0; i < *(int*)times; ++i) {
    const int result = pthread_barrier_wait(&barrier);
    serial += result == PTHREAD_BARRIER_SERIAL_THREAD ? 1 : result == 0 ? 0 : 1000;
  }
  return (void*)serial;
}

static int Rounds(int threads, int times) {
  pthread_t thread[8];
  long serial = 0;
  Say("init %d\n", pthread_barrier_init(&barrier, NULL, (unsigned)threads));
  for (int i = 0; i < threads; ++i) {
    pthread_create(&thread[i], NULL, Wait, &times);
  }
  for (int i = 0; i < threads; ++i) {
    void* result;
    pthread_join(thread[i], &result);
    serial += (long)result;
  }
  Say("%d rounds, %ld serial, destroy %d\n", times, serial, pthread_barrier_destroy(&barrier));
  return 0;
}
static int Few(void) { return Rounds(3, 2); }
static int Many(void) { return Rounds(4, 500); }

static int Counts(void) {
  Say("none %d", pthread_barrier_init(&barrier, NULL, 0));
  Say(" too many %d", pthread_barrier_init(&barrier, NULL, 0x80000000u));
  Say(" one %d", pthread_barrier_init(&barrier, NULL, 1));
  Say(" wait %d", pthread_barrier_wait(&barrier));
  Say(" destroy %d\n", pthread_barrier_destroy(&barrier));
  return 0;
}

// Destroyed by the first that comes out, as POSIX allows.
static int DestroyedAtOnce(void) {
  for (int i = 0; i < 200; ++i) {
    int once = 1;
    pthread_t thread;
    pthread_barrier_init(&barrier, NULL, 2);
    pthread_create(&thread, NULL, Wait, &once);
    pthread_barrier_wait(&barrier);
    if (pthread_barrier_destroy(&barrier) != 0) {
      Say("not destroyed\n");
    }
    pthread_join(thread, NULL);
  }
  return 0;
}

// The first word of a barrier counts who came.
static void AwaitArrival(void) {
  while (__atomic_load_n((unsigned*)&barrier, __ATOMIC_RELAXED) == 0) {
    usleep(1000);
  }
}

static int MadeAnew(void) {
  int once = 1;
  pthread_t thread;
  pthread_barrier_init(&barrier, NULL, 2);
  pthread_create(&thread, NULL, Wait, &once);
  AwaitArrival();
  Say("init %d\n", pthread_barrier_init(&barrier, NULL, 3));
  _exit(0);
}

// libc waits for the threads inside, which wait for good.
static void* Destroy(void* unused) {
  pthread_barrier_destroy(&barrier);
  return unused;
}
static int DestroyedInUse(void) {
  int once = 1;
  pthread_t thread;
  pthread_barrier_init(&barrier, NULL, 2);
  pthread_create(&thread, NULL, Wait, &once);
  AwaitArrival();
  pthread_create(&thread, NULL, Destroy, NULL);
  // The fifth word counts who left; destroy adds to it first.
  while (__atomic_load_n((unsigned*)&barrier + 4, __ATOMIC_RELAXED) == 0) {
    usleep(1000);
  }
  Say("waits\n");
  _exit(0);
}

static int Processes(void) {
  pthread_barrierattr_t attributes;
  pthread_barrierattr_init(&attributes);
  pthread_barrierattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
  pthread_barrier_t* shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  Say("init %d\n", pthread_barrier_init(shared, &attributes, 2));
  const pid_t child = fork();
  const int result = pthread_barrier_wait(shared);
  if (child == 0) {
    _exit(result == 0 || result == PTHREAD_BARRIER_SERIAL_THREAD ? 0 : 1);
  }
  Reap("child", child);
  Say("destroy %d\n", pthread_barrier_destroy(shared));
  return 0;
}

int main(int argc, char** argv) {
  static const struct Scenario kScenarios[] = {{"few", Few},
                                               {"many", Many},
                                               {"counts", Counts},
                                               {"destroyed-at-once", DestroyedAtOnce},
                                               {"made-anew", MadeAnew},
                                               {"destroyed-in-use", DestroyedInUse},
                                               {"processes", Processes},
                                               {NULL, NULL}};
  return RunScenario(kScenarios, argc, argv);
}
