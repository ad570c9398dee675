// All kinds of mutexes and conditions through all calls: what every call returns.
#define _GNU_SOURCE
#include <semaphore.h>
#include <signal.h>
#include <sys/mman.h>
#include <time.h>

#include "probe.h"

static int Lock(pthread_mutex_t* mutex) { return pthread_mutex_lock(mutex); }
static int Trylock(pthread_mutex_t* mutex) { return pthread_mutex_trylock(mutex); }
static struct timespec In(clockid_t clock, long nanoseconds) {
  struct timespec now;
  clock_gettime(clock, &now);
  now.tv_nsec += nanoseconds;
  now.tv_sec += now.tv_nsec / 1000000000;
  now.tv_nsec %= 1000000000;
  return now;
}
static int TimedPast(pthread_mutex_t* mutex) {
  const struct timespec past = {1, 0};
  return pthread_mutex_timedlock(mutex, &past);
}
static int TimedSoon(pthread_mutex_t* mutex) {
  const struct timespec soon = In(CLOCK_REALTIME, 300000);
  return pthread_mutex_timedlock(mutex, &soon);
}
static int TimedWrong(pthread_mutex_t* mutex) {
  const struct timespec wrong = {1, 2000000000};
  return pthread_mutex_timedlock(mutex, &wrong);
}
static int ClockPast(pthread_mutex_t* mutex) {
  const struct timespec past = {1, 0};
  return pthread_mutex_clocklock(mutex, CLOCK_MONOTONIC, &past);
}
static int ClockSoon(pthread_mutex_t* mutex) {
  const struct timespec soon = In(CLOCK_MONOTONIC, 300000);
  return pthread_mutex_clocklock(mutex, CLOCK_MONOTONIC, &soon);
}
static int ClockWrong(pthread_mutex_t* mutex) {
  const struct timespec past = {1, 0};
  return pthread_mutex_clocklock(mutex, CLOCK_PROCESS_CPUTIME_ID, &past);
}
typedef int (*Taker)(pthread_mutex_t*);
static const Taker kTakers[] = {Lock,       Trylock,   TimedPast, TimedSoon,
                                TimedWrong, ClockPast, ClockSoon, ClockWrong};
enum { kTakerCount = sizeof(kTakers) / sizeof(*kTakers) };

struct Order {
  pthread_mutex_t* mutex;
  int skip_lock;
};
static void* Elsewhere(void* argument) {
  pthread_mutex_t* mutex = argument;
  Say(" elsewhere:");
  for (int i = 1; i < kTakerCount; ++i) {  // not the first: it would wait for good
    const int error = kTakers[i](mutex);
    Say(" %d", error);
    if (error == 0) {
      Say("/%d", pthread_mutex_unlock(mutex));
    }
  }
  return NULL;
}
static void* UnlockElsewhere(void* mutex) {
  Say(" unlock elsewhere: %d", pthread_mutex_unlock(mutex));
  return NULL;
}
static void* LockAndEnd(void* mutex) {
  Say(" lock and end: %d", pthread_mutex_lock(mutex));
  return NULL;
}
static void InThread(void* (*run)(void*), pthread_mutex_t* mutex) {
  pthread_t thread;
  pthread_create(&thread, NULL, run, mutex);
  pthread_join(thread, NULL);
}

static void RobustLife(pthread_mutex_t* mutex) {
  InThread(LockAndEnd, mutex);
  Say(" lock of an orphan: %d", pthread_mutex_lock(mutex));
  Say(" consistent %d", pthread_mutex_consistent(mutex));
  Say(" again %d", pthread_mutex_consistent(mutex));
  Say(" unlock %d\n", pthread_mutex_unlock(mutex));
  InThread(LockAndEnd, mutex);
  Say("  trylock of an orphan: %d", pthread_mutex_trylock(mutex));
  Say(" unlock, not consistent %d", pthread_mutex_unlock(mutex));
  Say(" lock %d", pthread_mutex_lock(mutex));
  Say(" trylock %d timedlock %d\n", pthread_mutex_trylock(mutex), TimedSoon(mutex));
}

static void Life(pthread_mutex_t* mutex, int type, int robust) {
  const int blocks_itself = type == PTHREAD_MUTEX_NORMAL || type == PTHREAD_MUTEX_ADAPTIVE_NP;
  for (int i = 0; i < kTakerCount; ++i) {
    const int error = kTakers[i](mutex);
    Say(" %d", error);
    if (error != 0) {
      continue;
    }
    Say(" again:");
    for (int j = blocks_itself ? 1 : 0; j < kTakerCount; ++j) {
      const int second = kTakers[j](mutex);
      Say(" %d", second);
      if (second == 0) {
        Say("/%d", pthread_mutex_unlock(mutex));
      }
    }
    InThread(Elsewhere, mutex);
    if (type != PTHREAD_MUTEX_NORMAL && type != PTHREAD_MUTEX_ADAPTIVE_NP) {
      InThread(UnlockElsewhere, mutex);
      Say(" destroy locked: %d", pthread_mutex_destroy(mutex));
    } else if (!robust) {
      Say(" destroy locked: %d", pthread_mutex_destroy(mutex));
    }
    Say(" unlock %d", pthread_mutex_unlock(mutex));
    if (!blocks_itself) {
      Say(" unlock again %d", pthread_mutex_unlock(mutex));
    }
    Say("\n");
  }
}

static int Kinds(void) {
  static const int kTypes[] = {PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_RECURSIVE, PTHREAD_MUTEX_ERRORCHECK,
                               PTHREAD_MUTEX_ADAPTIVE_NP};
  static const int kProtocols[] = {PTHREAD_PRIO_NONE, PTHREAD_PRIO_INHERIT, PTHREAD_PRIO_PROTECT};
  pthread_mutex_t* shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  for (int t = 0; t < 4; ++t) {
    for (int robust = 0; robust < 2; ++robust) {
      for (int protocol = 0; protocol < 3; ++protocol) {
        for (int pshared = 0; pshared < 2; ++pshared) {
          pthread_mutexattr_t attributes;
          pthread_mutexattr_init(&attributes);
          pthread_mutexattr_settype(&attributes, kTypes[t]);
          pthread_mutexattr_setrobust(&attributes, robust);
          pthread_mutexattr_setprotocol(&attributes, kProtocols[protocol]);
          pthread_mutexattr_setpshared(&attributes, pshared);
          pthread_mutex_t private;
          memset(&private, 0x5A, sizeof(private));
          pthread_mutex_t* mutex = pshared ? shared : &private;
          const int error = pthread_mutex_init(mutex, &attributes);
          Say("type %d robust %d protocol %d shared %d: %d", kTypes[t], robust, protocol, pshared, error);
          if (error == 0) {
            Life(mutex, kTypes[t], robust);
            if (robust) {
              RobustLife(mutex);
            }
            Say(" destroy %d", pthread_mutex_destroy(mutex));
            Say(" again %d", pthread_mutex_destroy(mutex));
            Say(" lock after %d", pthread_mutex_lock(mutex));
            Say(" trylock %d", pthread_mutex_trylock(mutex));
            Say(" unlock %d", pthread_mutex_unlock(mutex));
            Say(" init %d", pthread_mutex_init(mutex, &attributes));
            Say(" lock %d", pthread_mutex_lock(mutex));
            Say(" unlock %d", pthread_mutex_unlock(mutex));
            Say(" destroy %d\n", pthread_mutex_destroy(mutex));
          }
        }
      }
    }
  }
  static pthread_mutex_t fixed[] = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP,
                                    PTHREAD_ERRORCHECK_MUTEX_INITIALIZER_NP,
                                    PTHREAD_ADAPTIVE_MUTEX_INITIALIZER_NP};
  for (int t = 0; t < 4; ++t) {
    Say("static %d", kTypes[t]);
    Life(&fixed[t], kTypes[t], 0);
    Say("\n");
  }
  return 0;
}

// Across processes: a robust mutex whose owner is killed.
static int OwnerKilled(void) {
  pthread_mutex_t* shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_setrobust(&attributes, 1);
  pthread_mutexattr_setpshared(&attributes, 1);
  pthread_mutex_init(shared, &attributes);
  const pid_t child = fork();
  if (child == 0) {
    Say("child locks %d\n", pthread_mutex_lock(shared));
    kill(getpid(), SIGKILL);
  }
  Reap("child", child);
  Say("lock %d", pthread_mutex_lock(shared));
  Say(" consistent %d", pthread_mutex_consistent(shared));
  Say(" unlock %d", pthread_mutex_unlock(shared));
  Say(" lock %d", pthread_mutex_lock(shared));
  Say(" unlock %d\n", pthread_mutex_unlock(shared));
  return 0;
}

// What a mutex looks like from outside but for the one field that carries the tag, which glibc never reads
// here.
static void SayBytes(const char* what, const pthread_mutex_t* mutex) {
  pthread_mutex_t copy = *mutex;
  copy.__data.__list.__prev = NULL;
  copy.__data.__owner = copy.__data.__owner != 0;
  unsigned sum = 0;
  for (size_t i = 0; i < sizeof(copy); ++i) {
    sum = sum * 31 + ((const unsigned char*)&copy)[i];
  }
  Say("%s: %#x\n", what, sum);
}

static int Garbage(void) {
  pthread_mutex_t mutex;
  memset(&mutex, 0, sizeof(mutex));
  Say("zeroed: lock %d", pthread_mutex_lock(&mutex));
  SayBytes(" locked", &mutex);
  pthread_mutex_t moved = mutex;  // a copy of a locked one
  Say("copy: trylock %d", pthread_mutex_trylock(&moved));
  Say(" unlock %d\n", pthread_mutex_unlock(&moved));
  Say("unlock %d", pthread_mutex_unlock(&mutex));
  SayBytes(" unlocked", &mutex);
  for (int byte = 1; byte < 256; byte += 7) {
    memset(&mutex, byte, sizeof(mutex));
    mutex.__data.__kind = 0x40000000 | (byte & 15);  // no kind that there is
    Say("garbage %d: trylock %d", byte, pthread_mutex_trylock(&mutex));
    Say(" destroy %d", pthread_mutex_destroy(&mutex));
    Say(" init %d", pthread_mutex_init(&mutex, NULL));
    SayBytes("", &mutex);
    Say("  lock %d", pthread_mutex_lock(&mutex));
    Say(" unlock %d\n", pthread_mutex_unlock(&mutex));
  }
  memset(&mutex, 0x5A, sizeof(mutex));
  mutex.__data.__kind = 0;
  Say("locked looking garbage: trylock %d", pthread_mutex_trylock(&mutex));
  Say(" timedlock %d\n", TimedPast(&mutex));
  return 0;
}

static int NullPointers(void) {
  static int (*const kCalls[])(pthread_mutex_t*) = {pthread_mutex_lock, pthread_mutex_trylock,
                                                    pthread_mutex_unlock, pthread_mutex_destroy};
  pthread_mutex_t* volatile none = NULL;
  for (int i = 0; i < 4; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      _exit(kCalls[i](none) == 0);
    }
    Reap("child", child);
  }
  return 0;
}

static sem_t ready;
static int woken;
static void* WaitOnCondition(void* argument) {
  void** both = argument;
  pthread_mutex_lock(both[1]);
  sem_post(&ready);
  while (woken == 0) {
    const int error = pthread_cond_wait(both[0], both[1]);
    if (error != 0) {
      Say("wait %d\n", error);
    }
  }
  --woken;
  pthread_mutex_unlock(both[1]);
  return NULL;
}

static int Conditions(void) {
  sem_init(&ready, 0, 0);
  for (int clock = 0; clock < 2; ++clock) {
    for (int pshared = 0; pshared < 2; ++pshared) {
      for (int type = 0; type < 4; ++type) {
        const clockid_t id = clock == 0 ? CLOCK_REALTIME : CLOCK_MONOTONIC;
        pthread_condattr_t attributes;
        pthread_condattr_init(&attributes);
        pthread_condattr_setclock(&attributes, id);
        pthread_condattr_setpshared(&attributes, pshared);
        pthread_cond_t condition;
        Say("clock %d shared %d type %d: init %d", clock, pshared, type,
            pthread_cond_init(&condition, &attributes));
        pthread_mutexattr_t mutex_attributes;
        pthread_mutexattr_init(&mutex_attributes);
        pthread_mutexattr_settype(&mutex_attributes, type);
        pthread_mutex_t mutex;
        pthread_mutex_init(&mutex, &mutex_attributes);
        Say(" signal %d broadcast %d", pthread_cond_signal(&condition), pthread_cond_broadcast(&condition));
        pthread_mutex_lock(&mutex);
        const struct timespec past = {1, 0};
        const struct timespec soon = In(id, 300000);
        const struct timespec wrong = {1, -1};
        Say(" past %d", pthread_cond_timedwait(&condition, &mutex, &past));
        Say(" soon %d", pthread_cond_timedwait(&condition, &mutex, &soon));
        Say(" wrong %d", pthread_cond_timedwait(&condition, &mutex, &wrong));
        Say(" clock %d %d %d", pthread_cond_clockwait(&condition, &mutex, CLOCK_MONOTONIC, &past),
            pthread_cond_clockwait(&condition, &mutex, CLOCK_REALTIME, &past),
            pthread_cond_clockwait(&condition, &mutex, 77, &past));
        Say(" still locked %d\n", type == PTHREAD_MUTEX_RECURSIVE ? EBUSY : pthread_mutex_trylock(&mutex));
        pthread_mutex_unlock(&mutex);
        void* both[] = {&condition, &mutex};
        pthread_t threads[3];
        for (int i = 0; i < 3; ++i) {
          pthread_create(&threads[i], NULL, WaitOnCondition, both);
          sem_wait(&ready);
        }
        pthread_mutex_lock(&mutex);
        woken = 3;
        Say("  broadcast %d", pthread_cond_broadcast(&condition));
        pthread_mutex_unlock(&mutex);
        for (int i = 0; i < 3; ++i) {
          pthread_join(threads[i], NULL);
        }
        Say(" destroy %d %d\n", pthread_cond_destroy(&condition), pthread_mutex_destroy(&mutex));
      }
    }
  }
  // A mutex that the caller does not hold, where libc says so.
  pthread_mutex_t errorcheck = PTHREAD_ERRORCHECK_MUTEX_INITIALIZER_NP;
  pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
  const struct timespec past = {1, 0};
  Say("not held: %d %d\n", pthread_cond_wait(&condition, &errorcheck),
      pthread_cond_timedwait(&condition, &errorcheck, &past));
  // At two levels: one is given up, so nobody could get in; the wait ends by its time.
  pthread_mutex_t recursive = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
  pthread_mutex_lock(&recursive);
  pthread_mutex_lock(&recursive);
  const int waited = pthread_cond_timedwait(&condition, &recursive, &past);
  const int first = pthread_mutex_unlock(&recursive);
  const int second = pthread_mutex_unlock(&recursive);
  Say("two levels: %d, unlock %d %d %d\n", waited, first, second, pthread_mutex_unlock(&recursive));
  return 0;
}

int main(int argc, char** argv) {
  static const struct Scenario kScenarios[] = {
      {"kinds", Kinds},       {"owner-killed", OwnerKilled}, {"garbage", Garbage},
      {"null", NullPointers}, {"conditions", Conditions},    {NULL, NULL},
  };
  return RunScenario(kScenarios, argc, argv);
}
