// pthread_once, call_once and std::call_once: who runs the routine, who waits, and every way out of it.
#include <sched.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/syscall.h>
#include <threads.h>

#include <mutex>
#include <thread>

#include "probe.h"

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_once_t inner = PTHREAD_ONCE_INIT;
static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
static sem_t inside, leave;

struct Noisy {
  const char* name;
  ~Noisy() { Say("destructor of %s\n", name); }
};

// In the order in which an initialiser would take it too: whoever were taken to run the routine still would
// make a cycle of this.
static int runs = 0;
static void LockThenOnce() {
  pthread_mutex_lock(&m);
  pthread_once(&once, [] { ++runs; });
  pthread_mutex_unlock(&m);
}
__attribute__((noinline)) static void LockAlone() {
  pthread_mutex_lock(&m);
  pthread_mutex_unlock(&m);
}

static int Plain() {
  for (int i = 0; i < 3; ++i) {
    Say("%d\n", pthread_once(&once, [] { Say("first\n"); }));
    Say("%d\n", pthread_once(&inner, [] { Say("second\n"); }));
  }
  static once_flag flag = ONCE_FLAG_INIT;
  for (int i = 0; i < 3; ++i) {
    call_once(&flag, [] { Say("C11\n"); });
  }
  return 0;
}

static int Nested() {
  static pthread_once_t flags[20] = {};
  static int depth = 0;
  struct Deep {
    static void Run() {
      Noisy noisy{"a level"};
      LockAlone();
      if (++depth < 20) {
        Say("%d\n", pthread_once(&flags[depth], Run));
      }
      LockAlone();
    }
  };
  Say("%d\n", pthread_once(&flags[0], Deep::Run));
  LockAlone();
  return 0;
}

// Four wait while one runs it.
static int Waiters() {
  std::thread runner([] {
    pthread_once(&once, [] {
      sem_post(&inside);
      sem_wait(&leave);
      Say("runs\n");
    });
  });
  sem_wait(&inside);
  std::thread waiters[4];
  for (std::thread& waiter : waiters) {
    waiter = std::thread([] { Say("%d\n", pthread_once(&once, [] { Say("must not run\n"); })); });
  }
  sem_post(&leave);
  runner.join();
  for (std::thread& waiter : waiters) {
    waiter.join();
  }
  return 0;
}

static int Thrown() {
  static std::once_flag flag;
  for (int i = 0; i < 3; ++i) {
    try {
      std::call_once(flag, [&] {
        Noisy noisy{"the routine"};
        LockAlone();
        if (i < 2) {
          throw i;
        }
        Say("runs\n");
      });
      Say("done\n");
    } catch (int value) {
      Say("caught %d\n", value);
    }
    LockAlone();
  }
  return 0;
}

static void ThrowInner() {
  Noisy noisy{"the inner routine"};
  throw 1;
}
static int ThrownThroughTwo() {
  for (int i = 0; i < 2; ++i) {
    try {
      pthread_once(&once, [] {
        Noisy noisy{"the outer routine"};
        pthread_once(&inner, ThrowInner);
      });
    } catch (int) {
      Say("caught\n");
    }
  }
  try {
    pthread_once(&once, [] {
      try {
        pthread_once(&inner, ThrowInner);
      } catch (int) {
        Say("caught inside\n");
      }
      LockAlone();
    });
  } catch (...) {
    Say("must not come here\n");
  }
  LockThenOnce();
  Say("ran %d times\n", runs);
  Say("inner %d\n", pthread_once(&inner, [] { Say("inner runs\n"); }));
  return 0;
}

static void SayHandler(void*) {
  Say("handler\n");
  LockAlone();
}
static void RunUntilCancelled() {
  Noisy noisy{"the routine"};
  sem_post(&inside);
  while (true) {
    pause();
  }
}
static void* CancelledInside(void*) {
  pthread_cleanup_push(SayHandler, nullptr);
  pthread_once(&once, RunUntilCancelled);
  pthread_cleanup_pop(0);
  return nullptr;
}
static int Cancelled() {
  for (int i = 0; i < 2; ++i) {
    pthread_t thread;
    pthread_create(&thread, nullptr, CancelledInside, nullptr);
    sem_wait(&inside);
    // Runs it when the other is gone, or before it knows.
    std::thread waiter;
    if (i == 1) {
      waiter = std::thread(LockThenOnce);
    }
    pthread_cancel(thread);
    void* result = nullptr;
    pthread_join(thread, &result);
    Say("cancelled %d\n", result == PTHREAD_CANCELED);
    if (i == 1) {
      waiter.join();
    }
  }
  LockThenOnce();
  Say("ran %d times\n", runs);
  return 0;
}

static void* ExitInside(void*) {
  pthread_once(&once, [] {
    Noisy noisy{"the routine"};
    pthread_exit(nullptr);
  });
  return nullptr;
}
static int ThreadExit() {
  pthread_t thread;
  pthread_create(&thread, nullptr, ExitInside, nullptr);
  pthread_join(thread, nullptr);
  LockThenOnce();
  Say("ran %d times\n", runs);
  return 0;
}

static jmp_buf out;
static int Jumped() {
  static int calls = 0;
  if (setjmp(out) == 0) {
    pthread_once(&once, [] {
      ++calls;
      longjmp(out, 1);
    });
  }
  Say("%d calls\n", calls);
  LockAlone();
  LockThenOnce();
  Say("ran %d times\n", runs);
  return 0;
}

// A jump that stays inside.
static int JumpedInside() {
  Say("%d\n", pthread_once(&once, [] {
        if (setjmp(out) == 0) {
          longjmp(out, 1);
        }
        Say("inside\n");
      }));
  LockThenOnce();
  return 0;
}

// A child gets the flag as it was: begun by a thread that it has not, or by the one that forked.
static int Forked() {
  std::thread runner([] {
    pthread_once(&once, [] {
      sem_post(&inside);
      sem_wait(&leave);
    });
  });
  sem_wait(&inside);
  pid_t child = fork();
  if (child == 0) {
    LockThenOnce();
    LockAlone();
    _exit(3 + runs);
  }
  Reap("child", child);
  sem_post(&leave);
  runner.join();
  LockThenOnce();
  return 0;
}

static pid_t forked;
static int ForkedInside() {
  Say("%d\n", pthread_once(&once, [] {
        LockAlone();
        forked = fork();
        LockAlone();
      }));
  LockThenOnce();
  if (forked == 0) {
    _exit(3 + runs);
  }
  Reap("child", forked);
  return 0;
}

static pid_t RawClone() { return (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0); }
static int ClonedInside() {
  pthread_once(&once, [] { forked = RawClone(); });
  LockThenOnce();
  if (forked == 0) {
    _exit(3 + runs);
  }
  Reap("child", forked);
  return 0;
}

// On itself it hangs, for ever: SIGALRM ends it.
static int OnItself() {
  pthread_once(&once, [] {
    Say("once more\n");
    alarm(1);
    pthread_once(&once, [] { Say("must not run\n"); });
  });
  Say("must not come here\n");
  return 0;
}

static int Uncaught() {
  std::set_terminate([] {
    Say("terminate\n");
    abort();
  });
  pthread_once(&once, ThrowInner);
  return 0;
}

static int Exits() {
  atexit([] { Say("atexit\n"); });
  pthread_once(&once, [] { exit(6); });
  return 0;
}

int main(int argc, char** argv) {
  sem_init(&inside, 0, 0);
  sem_init(&leave, 0, 0);
  static const Scenario kScenarios[] = {
      {"plain", Plain},
      {"nested", Nested},
      {"waiters", Waiters},
      {"thrown", Thrown},
      {"thrown-through-two", ThrownThroughTwo},
      {"cancelled", Cancelled},
      {"thread-exit", ThreadExit},
      {"jumped", Jumped},
      {"jumped-inside", JumpedInside},
      {"forked", Forked},
      {"forked-inside", ForkedInside},
      {"cloned-inside", ClonedInside},
      {"on-itself", OnItself},
      {"uncaught", Uncaught},
      {"exits", Exits},
      {nullptr, nullptr},
  };
  return RunScenario(kScenarios, argc, argv);
}
