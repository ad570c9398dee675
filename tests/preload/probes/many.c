// Many of everything: threads in turn and at once, locks alive, locks held by one thread.
#include <semaphore.h>

#include "probe.h"

static int count;
static pthread_mutex_t shared = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t all;

static void* LockShared(void* unused) {
  pthread_mutex_lock(&shared);
  pthread_mutex_unlock(&shared);
  return unused;
}
static int ThreadsInTurn(void) {
  for (int i = 0; i < count; ++i) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, LockShared, NULL) != 0 || pthread_join(thread, NULL) != 0) {
      return 1;
    }
  }
  return 0;
}

static void* MeetAll(void* unused) {
  pthread_mutex_lock(&shared);
  pthread_mutex_unlock(&shared);
  pthread_barrier_wait(&all);
  return unused;
}
static int ThreadsAtOnce(void) {
  pthread_t* threads = calloc((size_t)count, sizeof(*threads));
  pthread_attr_t small;
  pthread_attr_init(&small);
  pthread_attr_setstacksize(&small, 128 << 10);
  pthread_barrier_init(&all, NULL, (unsigned)count);
  for (int i = 0; i < count; ++i) {
    if (pthread_create(&threads[i], &small, MeetAll, NULL) != 0) {
      return 1;
    }
  }
  for (int i = 0; i < count; ++i) {
    pthread_join(threads[i], NULL);
  }
  return 0;
}

static int LocksAlive(void) {
  pthread_mutex_t* locks = calloc((size_t)count, sizeof(*locks));
  for (int i = 0; i < count; ++i) {
    pthread_mutex_lock(&locks[i]);
    pthread_mutex_unlock(&locks[i]);
  }
  return 0;
}

static int Held(void) {
  pthread_mutex_t* mutexes = calloc((size_t)count, sizeof(*mutexes));
  pthread_rwlock_t* rwlocks = calloc((size_t)count, sizeof(*rwlocks));
  sem_t* semaphores = calloc((size_t)count, sizeof(*semaphores));
  for (int i = 0; i < count; ++i) {
    sem_init(&semaphores[i], 0, 1);
    if (pthread_mutex_lock(&mutexes[i]) != 0 || pthread_rwlock_rdlock(&rwlocks[i]) != 0 ||
        sem_wait(&semaphores[i]) != 0) {
      return 1;
    }
  }
  for (int i = count; i-- > 0;) {
    sem_post(&semaphores[i]);
    pthread_rwlock_unlock(&rwlocks[i]);
    pthread_mutex_unlock(&mutexes[i]);
  }
  return 0;
}

int main(int argc, char** argv) {
  static const struct Scenario kScenarios[] = {{"threads-in-turn", ThreadsInTurn},
                                               {"threads-at-once", ThreadsAtOnce},
                                               {"locks-alive", LocksAlive},
                                               {"held", Held},
                                               {NULL, NULL}};
  count = argc > 2 ? atoi(argv[2]) : 0;
  return RunScenario(kScenarios, argc, argv);
}
