// One lock of every kind, taken and given back in turn by calls as the program makes them and by libc's own,
// which no hook sees: each must find in the lock what the other one left there.
#include <dlfcn.h>
#include <semaphore.h>
#include <signal.h>
#include <time.h>

#include "probe.h"

enum { kThreads = 8, kCalls = 2 };

typedef int Call(void*);
struct Calls {
  Call *lock, *try_lock, *unlock, *read_lock, *try_read_lock;
};
// [0] what a call of the program reaches, [1] libc's own.
static struct Calls calls[kCalls];

static Call* Find(void* library, const char* name) {
  Call* call = (Call*)dlsym(library, name);
  if (call == NULL) abort();
  return call;
}

static void FindCalls(const char* lock, const char* try_lock, const char* unlock, const char* read_lock,
                      const char* try_read_lock) {
  void* libc = dlopen("libc.so.6", RTLD_NOW | RTLD_NOLOAD);
  for (int which = 0; which < kCalls; ++which) {
    void* library = which == 0 ? RTLD_DEFAULT : libc;
    calls[which] = (struct Calls){Find(library, lock), Find(library, try_lock), Find(library, unlock),
                                  Find(library, read_lock), Find(library, try_read_lock)};
  }
}

static union {
  pthread_mutex_t mutex;
  pthread_rwlock_t rwlock;
  sem_t semaphore;
  pthread_spinlock_t spinlock;
} object;
static int is_recursive, has_readers;

static void MakeMutex(int type, int has_attributes) {
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_settype(&attributes, type);
  pthread_mutex_init(&object.mutex, has_attributes ? &attributes : NULL);
  FindCalls("pthread_mutex_lock", "pthread_mutex_trylock", "pthread_mutex_unlock", "pthread_mutex_lock",
            "pthread_mutex_trylock");
}

static void Make(const char* kind) {
  is_recursive = strcmp(kind, "recursive") == 0;
  has_readers = strcmp(kind, "rwlock") == 0;
  if (strcmp(kind, "default") == 0) {
    MakeMutex(PTHREAD_MUTEX_DEFAULT, 0);
  } else if (strcmp(kind, "normal") == 0) {
    MakeMutex(PTHREAD_MUTEX_NORMAL, 1);
  } else if (is_recursive) {
    MakeMutex(PTHREAD_MUTEX_RECURSIVE, 1);
  } else if (strcmp(kind, "errorcheck") == 0) {
    MakeMutex(PTHREAD_MUTEX_ERRORCHECK, 1);
  } else if (strcmp(kind, "adaptive") == 0) {
    MakeMutex(PTHREAD_MUTEX_ADAPTIVE_NP, 1);
  } else if (has_readers) {
    pthread_rwlock_init(&object.rwlock, NULL);
    FindCalls("pthread_rwlock_wrlock", "pthread_rwlock_trywrlock", "pthread_rwlock_unlock",
              "pthread_rwlock_rdlock", "pthread_rwlock_tryrdlock");
  } else if (strcmp(kind, "semaphore") == 0) {
    sem_init(&object.semaphore, 0, 1);
    FindCalls("sem_wait", "sem_trywait", "sem_post", "sem_wait", "sem_trywait");
  } else if (strcmp(kind, "spinlock") == 0) {
    pthread_spin_init(&object.spinlock, PTHREAD_PROCESS_PRIVATE);
    FindCalls("pthread_spin_lock", "pthread_spin_trylock", "pthread_spin_unlock", "pthread_spin_lock",
              "pthread_spin_trylock");
  } else {
    abort();
  }
}

static unsigned Next(unsigned* random) {
  *random = *random * 1664525u + 1013904223u;
  return *random >> 8;
}

// Both change together, under the lock alone.
static volatile long first, second;
static volatile int broken;
static long rounds;
static volatile int over;

static void Use(int reads) {
  if (reads) {
    if (first != second) broken = 1;
    return;
  }
  first = first + 1;
  second = second + 1;
  if (first != second) broken = 1;
}

// How often it had the lock for itself.
static long Work(unsigned random, long most) {
  long alone = 0;
  for (long i = 0; i < most && !over; ++i) {
    const unsigned bits = Next(&random);
    const struct Calls* take = &calls[bits & 1];
    const struct Calls* give = (bits >> 1 & 31) == 0 ? &calls[~bits & 1] : take;
    const int reads = has_readers && (bits >> 7 & 3) != 0;
    if ((bits >> 9 & 3) == 0) {
      if ((reads ? take->try_read_lock : take->try_lock)(&object) != 0) continue;
    } else if ((reads ? take->read_lock : take->lock)(&object) != 0) {
      broken = 2;
      return alone;
    }
    const int more = is_recursive ? bits >> 11 & 3 : 0;
    for (int depth = 0; depth < more; ++depth) {
      if (take->lock(&object) != 0) broken = 3;
    }
    Use(reads);
    for (int depth = 0; depth < more; ++depth) {
      if (take->unlock(&object) != 0) broken = 4;
    }
    alone += !reads;
    if (give->unlock(&object) != 0) broken = 5;
  }
  return alone;
}

static void* Worker(void* argument) { return (void*)Work((unsigned)(size_t)argument, rounds); }

// It is free, as whoever asks finds it.
static void CheckFree(void) {
  for (int which = 0; which < kCalls; ++which) {
    if (calls[which].try_lock(&object) != 0 || calls[which].unlock(&object) != 0) broken = 6;
  }
}

static void Mix(void) {
  pthread_t threads[kThreads];
  long alone = Work(77, 1000);  // nobody else is there yet
  for (size_t i = 0; i < kThreads; ++i) pthread_create(&threads[i], NULL, Worker, (void*)(i + 1));
  for (int i = 0; i < kThreads; ++i) {
    void* result = NULL;
    pthread_join(threads[i], &result);
    alone += (long)result;
  }
  CheckFree();
  printf("mixed: %s, error %d\n", alone == first && first == second ? "right" : "wrong", broken);
}

// ---- What waits for a condition gives the mutex up and takes it back ----

static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static long made, taken;

static void* Consumer(void* argument) {
  unsigned random = (unsigned)(size_t)argument;
  for (;;) {
    const struct Calls* by = &calls[Next(&random) & 1];
    by->lock(&object);
    while (made == 0 && !over) {
      if ((Next(&random) & 1) != 0) {
        pthread_cond_wait(&changed, &object.mutex);
      } else {
        struct timespec soon;
        clock_gettime(CLOCK_REALTIME, &soon);
        soon.tv_nsec = (soon.tv_nsec + 100000) % 1000000000;
        pthread_cond_timedwait(&changed, &object.mutex, &soon);
      }
    }
    if (made == 0) {
      by->unlock(&object);
      return NULL;
    }
    --made;
    ++taken;
    by->unlock(&object);
  }
}

static void* Producer(void* argument) {
  unsigned random = (unsigned)(size_t)argument;
  for (long i = 0; i < rounds; ++i) {
    const struct Calls* by = &calls[Next(&random) & 1];
    by->lock(&object);
    ++made;
    by->unlock(&object);
    pthread_cond_signal(&changed);
  }
  return NULL;
}

static void Conditions(void) {
  pthread_t threads[kThreads];
  for (size_t i = 0; i < kThreads; ++i) {
    pthread_create(&threads[i], NULL, i % 2 == 0 ? Consumer : Producer, (void*)(i + 1));
  }
  for (int i = 1; i < kThreads; i += 2) pthread_join(threads[i], NULL);
  pthread_mutex_lock(&object.mutex);
  over = 1;
  pthread_mutex_unlock(&object.mutex);
  pthread_cond_broadcast(&changed);
  for (int i = 0; i < kThreads; i += 2) pthread_join(threads[i], NULL);
  CheckFree();
  printf("conditions: %s, error %d\n", taken == rounds * kThreads / 2 ? "right" : "wrong", broken);
}

// ---- A handler on every thread, at any instruction of a hook ----

static int object_of_handlers_taken;
static pthread_mutex_t of_handlers = PTHREAD_MUTEX_INITIALIZER;

static void OnSignal(int signal) {
  (void)signal;
  const int saved = errno;
  if (pthread_mutex_trylock(&of_handlers) == 0) {
    ++object_of_handlers_taken;
    pthread_mutex_unlock(&of_handlers);
  }
  errno = saved;
}

static void Handlers(void) {
  struct sigaction action = {.sa_handler = OnSignal, .sa_flags = SA_RESTART};
  sigaction(SIGUSR1, &action, NULL);
  pthread_t threads[kThreads];
  const long signals = rounds;
  rounds = 1l << 60;
  for (size_t i = 0; i < kThreads; ++i) pthread_create(&threads[i], NULL, Worker, (void*)(i + 1));
  for (long i = 0; i < signals; ++i) pthread_kill(threads[i % kThreads], SIGUSR1);
  over = 1;
  long alone = 0;
  for (int i = 0; i < kThreads; ++i) {
    void* result = NULL;
    pthread_join(threads[i], &result);
    alone += (long)result;
  }
  over = 0;
  CheckFree();
  printf("handlers: %s, error %d, %s\n", alone == first && first == second ? "right" : "wrong", broken,
         pthread_mutex_trylock(&of_handlers) == 0 && object_of_handlers_taken > 0 ? "free" : "taken");
}

// ---- A child has what its parent held ----

static void Forks(void) {
  pthread_t threads[kThreads];
  for (size_t i = 0; i < kThreads; ++i) pthread_create(&threads[i], NULL, Worker, (void*)(i + 1));
  int right = 0;
  int unlocked = -1;
  for (int i = 0; i < 20; ++i) {
    calls[i & 1].lock(&object);
    const pid_t child = fork();
    if (child == 0) {
      const int result = calls[i >> 1 & 1].unlock(&object);
      if (result == 0) {
        Work(5, 1000);
        CheckFree();
      }
      _exit(broken != 0 ? 99 : result);
    }
    calls[i & 1].unlock(&object);
    int status = 0;
    waitpid(child, &status, 0);
    if (i == 0) unlocked = WEXITSTATUS(status);
    right += WIFEXITED(status) && WEXITSTATUS(status) == unlocked;
  }
  for (int i = 0; i < kThreads; ++i) pthread_join(threads[i], NULL);
  CheckFree();
  printf("forks: %d right, unlock %d, error %d\n", right, unlocked, broken);
}

// ---- A thread is cancelled that would not have to wait ----

static int asked[2], told[2];
static volatile int came_back;

static void* Cancelled(void* argument) {
  (void)argument;
  for (int i = 0; i < 100; ++i) {
    if (i == 99) {
      char byte = 0;
      pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
      if (write(asked[1], &byte, 1) != 1 || read(told[0], &byte, 1) != 1) return NULL;
      pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
    }
    calls[0].lock(&object);
    if (i == 99) came_back = 1;
    calls[0].unlock(&object);
  }
  return NULL;
}

static void Cancellation(void) {
  pthread_t thread;
  char byte = 0;
  if (pipe(asked) != 0 || pipe(told) != 0) abort();
  pthread_create(&thread, NULL, Cancelled, NULL);
  if (read(asked[0], &byte, 1) != 1) abort();
  pthread_cancel(thread);
  if (write(told[1], &byte, 1) != 1) abort();
  void* result = NULL;
  pthread_join(thread, &result);
  CheckFree();
  printf("cancellation: %s, came back %d, error %d\n", result == PTHREAD_CANCELED ? "cancelled" : "not",
         came_back, broken);
}

// ---- What the hooks leave to libc, and what anybody sees in a lock that is held ----

static void Show(const char* name, pthread_mutexattr_t* attributes) {
  pthread_mutex_t mutex;
  pthread_mutex_init(&mutex, attributes);
  for (int i = 0; i < 20; ++i) {
    const int result = i % 2 == 0 ? pthread_mutex_lock(&mutex) : pthread_mutex_trylock(&mutex);
    const int word = mutex.__data.__lock, owner = mutex.__data.__owner;
    if (i >= 18) {
      printf("%s: %d, lock %s, count %u, owner %s, users %u", name, result,
             (word & 0x3fffffff) == gettid() ? "of the thread"
             : word == 1                     ? "taken"
                                             : "other",
             mutex.__data.__count, owner == gettid() ? "right" : "wrong", mutex.__data.__nusers);
    }
    pthread_mutex_unlock(&mutex);
    if (i >= 18)
      printf("; %d %u %d %u\n", mutex.__data.__lock, mutex.__data.__count, mutex.__data.__owner,
             mutex.__data.__nusers);
  }
  pthread_mutex_destroy(&mutex);
}

static void Seen(void) {
  pthread_mutexattr_t attributes;
  for (int type = 0; type < 4; ++type) {
    char name[32];
    snprintf(name, sizeof(name), "type %d", type);
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_settype(&attributes, type);
    Show(name, &attributes);
  }
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
  Show("robust", &attributes);
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT);
  Show("inherits", &attributes);
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
  Show("shared", &attributes);
}

int main(int argc, char** argv) {
  if (argc < 2) return 1;
  const char* scenario = argv[1];
  if (argc > 2) Make(argv[2]);
  if (argc > 3) rounds = atol(argv[3]);
  if (strcmp(scenario, "mix") == 0) Mix();
  if (strcmp(scenario, "conditions") == 0) Conditions();
  if (strcmp(scenario, "handlers") == 0) Handlers();
  if (strcmp(scenario, "forks") == 0) Forks();
  if (strcmp(scenario, "cancellation") == 0) Cancellation();
  if (strcmp(scenario, "seen") == 0) Seen();
  return 0;
}
