// Robust mutexes whose owners die while others wait, and what waiting does to an owner's priority.
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>

#include "probe.h"

struct Shared {
  pthread_mutex_t mutex;
  pthread_mutex_t second;
  pthread_cond_t condition;
  volatile pid_t holder, waiters[2];
  volatile int go;
  char text[2][256];  // what the waiters say
};
static struct Shared* shared;

static void Init(pthread_mutex_t* mutex, int type, int robust, int protocol, int pshared) {
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_settype(&attributes, type);
  pthread_mutexattr_setrobust(&attributes, robust);
  pthread_mutexattr_setprotocol(&attributes, protocol);
  pthread_mutexattr_setpshared(&attributes, pshared);
  const int error = pthread_mutex_init(mutex, &attributes);
  if (error != 0) {
    Say("init %d\n", error);
  }
}

static void AwaitFutex(pid_t process, const volatile pid_t* thread) {
  while (*thread == 0 || SleepsIn(process == 0 ? *thread : process, *thread) != SYS_futex) {
    sched_yield();
  }
}

// The owner ends, with both mutexes, once two others wait for the first.
static void Hold(void) {
  pthread_mutex_lock(&shared->mutex);
  pthread_mutex_lock(&shared->second);
  shared->holder = (pid_t)syscall(SYS_gettid);
  while (!shared->go) {
    sched_yield();
  }
}
static void* HoldAndEnd(void* unused) {
  Hold();
  return unused;
}
static int repairs;
static void Wait(int number) {
  shared->waiters[number] = (pid_t)syscall(SYS_gettid);
  errno = 77;
  const int error = pthread_mutex_lock(&shared->mutex);
  int used = snprintf(shared->text[number], sizeof(shared->text[number]), " lock %d errno %d", error, errno);
  if (error == EOWNERDEAD && repairs) {
    used += snprintf(shared->text[number] + used, sizeof(shared->text[number]) - (size_t)used,
                     " consistent %d", pthread_mutex_consistent(&shared->mutex));
  }
  if (error == 0 || error == EOWNERDEAD) {
    snprintf(shared->text[number] + used, sizeof(shared->text[number]) - (size_t)used, " unlock %d",
             pthread_mutex_unlock(&shared->mutex));
  }
}
static void* Waiter(void* number) {
  Wait((int)(long)number);
  return number;
}
// Which of the waiters comes first is not told: what they say is sorted.
static void SayBoth(void) {
  const int order = strcmp(shared->text[0], shared->text[1]) > 0;
  Say(" %s;%s", shared->text[order], shared->text[!order]);
}
static void SayState(void) {
  Say(" then lock %d", pthread_mutex_lock(&shared->mutex));
  Say(" unlock %d", pthread_mutex_unlock(&shared->mutex));
  Say(" second: %d", pthread_mutex_trylock(&shared->second));
  Say(" consistent %d", pthread_mutex_consistent(&shared->second));
  Say(" unlock %d", pthread_mutex_unlock(&shared->second));
  Say(" destroy %d", pthread_mutex_destroy(&shared->mutex));
  Say(" %d\n", pthread_mutex_destroy(&shared->second));
}
static void Clear(int type, int protocol, int pshared) {
  memset(shared, 0, sizeof(*shared));
  Init(&shared->mutex, type, PTHREAD_MUTEX_ROBUST, protocol, pshared);
  Init(&shared->second, type, PTHREAD_MUTEX_ROBUST, protocol, pshared);
}

static int Threads(void) {
  for (int type = 0; type < 3; ++type) {
    for (int protocol = 0; protocol < 2; ++protocol) {
      for (repairs = 0; repairs < 2; ++repairs) {
        Say("type %d protocol %d repairs %d:", type, protocol, repairs);
        Clear(type, protocol, 0);
        pthread_t holder, waiters[2];
        pthread_create(&holder, NULL, HoldAndEnd, NULL);
        while (shared->holder == 0) {
          sched_yield();
        }
        for (long i = 0; i < 2; ++i) {
          pthread_create(&waiters[i], NULL, Waiter, (void*)i);
          AwaitFutex(getpid(), &shared->waiters[i]);
        }
        shared->go = 1;
        for (int i = 0; i < 2; ++i) {
          pthread_join(waiters[i], NULL);
        }
        pthread_join(holder, NULL);
        SayBoth();
        SayState();
      }
    }
  }
  return 0;
}

static int Processes(void) {
  for (int protocol = 0; protocol < 2; ++protocol) {
    for (repairs = 0; repairs < 2; ++repairs) {
      Say("protocol %d repairs %d:", protocol, repairs);
      Clear(0, protocol, 1);
      const pid_t holder = fork();
      if (holder == 0) {
        Hold();
        pause();
      }
      while (shared->holder == 0) {
        sched_yield();
      }
      const pid_t waiter = fork();
      if (waiter == 0) {
        shared->go = 1;
        Wait(0);
        _exit(0);
      }
      AwaitFutex(0, &shared->waiters[0]);
      kill(holder, SIGKILL);
      Reap(" holder", holder);
      Reap(" waiter", waiter);
      Say("%s", shared->text[0]);
      SayState();
    }
  }
  return 0;
}

// A condition's wait takes the mutex back inside libc: it too is told that the owner died.
static void* WaitOnCondition(void* unused) {
  pthread_mutex_lock(&shared->mutex);
  shared->waiters[0] = (pid_t)syscall(SYS_gettid);
  const int error = pthread_cond_wait(&shared->condition, &shared->mutex);
  snprintf(shared->text[0], sizeof(shared->text[0]), " wait %d consistent %d", error,
           pthread_mutex_consistent(&shared->mutex));
  pthread_mutex_unlock(&shared->mutex);
  return unused;
}
static void* SignalAndEnd(void* unused) {
  pthread_mutex_lock(&shared->mutex);
  pthread_cond_signal(&shared->condition);
  return unused;
}
static int Conditions(void) {
  Clear(0, 0, 0);
  pthread_cond_init(&shared->condition, NULL);
  pthread_t waiter, signaller;
  pthread_create(&waiter, NULL, WaitOnCondition, NULL);
  AwaitFutex(getpid(), &shared->waiters[0]);
  pthread_create(&signaller, NULL, SignalAndEnd, NULL);
  pthread_join(signaller, NULL);
  pthread_join(waiter, NULL);
  Say("%s", shared->text[0]);
  SayState();
  return 0;
}

// The kernel's priority of a thread, as /proc shows it: 20 + nice for an ordinary one.
static int Priority(pid_t thread) {
  char name[64], line[512] = "";
  snprintf(name, sizeof(name), "/proc/self/task/%d/stat", thread);
  const int descriptor = open(name, O_RDONLY);
  if (read(descriptor, line, sizeof(line) - 1) < 0) {
    return -999;
  }
  close(descriptor);
  const char* field = strrchr(line, ')');
  for (int number = 2; field != NULL && number < 18; ++number) {
    field = strchr(field + 1, ' ');
  }
  return field == NULL ? -998 : atoi(field);
}
static void* HoldUntilTold(void* unused) {
  setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), 10);
  pthread_mutex_lock(&shared->mutex);
  shared->holder = (pid_t)syscall(SYS_gettid);
  while (!shared->go) {
    sched_yield();
  }
  pthread_mutex_unlock(&shared->mutex);
  Say(" after %d", Priority(shared->holder));
  return unused;
}
static int Priorities(void) {
  for (int protocol = 0; protocol < 2; ++protocol) {
    memset(shared, 0, sizeof(*shared));
    Init(&shared->mutex, 0, 0, protocol == 0 ? PTHREAD_PRIO_NONE : PTHREAD_PRIO_INHERIT, 0);
    pthread_t holder, waiter;
    pthread_create(&holder, NULL, HoldUntilTold, NULL);
    while (shared->holder == 0) {
      sched_yield();
    }
    Say("protocol %d: before %d", protocol, Priority(shared->holder));
    pthread_create(&waiter, NULL, Waiter, NULL);
    AwaitFutex(getpid(), &shared->waiters[0]);
    Say(" waited for %d", Priority(shared->holder));
    shared->go = 1;
    pthread_join(holder, NULL);
    pthread_join(waiter, NULL);
    Say("%s\n", shared->text[0]);
  }
  return 0;
}

// Needs the right to be scheduled in real time; without it the calls say so, with the shim as well.
static int Ceilings(void) {
  Init(&shared->mutex, 0, 0, PTHREAD_PRIO_PROTECT, 0);
  int old = -1;
  Say("ceiling %d", pthread_mutex_setprioceiling(&shared->mutex, 5, &old));
  Say(" old %d", old);
  Say(" lock %d", pthread_mutex_lock(&shared->mutex));
  Say(" priority %d", Priority((pid_t)syscall(SYS_gettid)));
  Say(" unlock %d", pthread_mutex_unlock(&shared->mutex));
  Say(" priority %d\n", Priority((pid_t)syscall(SYS_gettid)));
  const struct sched_param parameter = {.sched_priority = 9};
  const int allowed = pthread_setschedparam(pthread_self(), SCHED_FIFO, &parameter);
  Say("real time %d", allowed);
  Say(" lock %d", pthread_mutex_lock(&shared->mutex));
  if (allowed == 0) {
    const struct sched_param low = {.sched_priority = 2};
    Say(" lower %d", pthread_setschedparam(pthread_self(), SCHED_FIFO, &low));
    Say(" lock %d", pthread_mutex_lock(&shared->mutex));
    Say(" priority %d", Priority((pid_t)syscall(SYS_gettid)));
    Say(" unlock %d", pthread_mutex_unlock(&shared->mutex));
    Say(" priority %d", Priority((pid_t)syscall(SYS_gettid)));
  }
  Say("\n");
  return 0;
}

int main(int argc, char** argv) {
  static const struct Scenario kScenarios[] = {{"threads", Threads},       {"processes", Processes},
                                               {"conditions", Conditions}, {"priorities", Priorities},
                                               {"ceilings", Ceilings},     {NULL, NULL}};
  alarm(60);
  shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  return RunScenario(kScenarios, argc, argv);
}
