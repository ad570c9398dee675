// Every way out of a process, with everything that runs on the way, locks and all.
#include <semaphore.h>
#include <signal.h>
#include <sys/resource.h>

#include <exception>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <thread>

#include "probe.h"

static std::mutex mutex_a;
static std::mutex mutex_b;
static sem_t ready;

struct Locker {
  const char* name;
  explicit Locker(const char* given) : name(given) { Use("constructor"); }
  ~Locker() { Use("destructor"); }
  void Use(const char* where) const {
    std::scoped_lock guard(mutex_a, mutex_b);
    Say("%s of %s\n", where, name);
  }
};
static Locker static_locker("a static");
static thread_local Locker tls_locker("a thread_local");

__attribute__((constructor)) static void Early() {
  static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  pthread_mutex_lock(&mutex);
  Say("constructor function\n");
  pthread_mutex_unlock(&mutex);
}
__attribute__((destructor)) static void Late() {
  static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  pthread_mutex_lock(&mutex);
  Say("destructor function\n");
  pthread_mutex_unlock(&mutex);
}

static void AtExit() {
  std::lock_guard<std::mutex> guard(mutex_a);
  Say("atexit\n");
}
static void AtQuickExit() {
  std::lock_guard<std::mutex> guard(mutex_a);
  Say("at_quick_exit\n");
}
static void OnExit(int status, void*) {
  std::lock_guard<std::mutex> guard(mutex_b);
  Say("on_exit with %d\n", status);
}

static int Return() { return 41; }
static int Exit() {
  printf("left in stdio's buffer\n");
  exit(0x1234);
}
static int RawExit() {
  printf("lost\n");
  _exit(43);
}
static int CapitalExit() { _Exit(44); }
static int QuickExit() { quick_exit(45); }
static int ExitInThread() {
  std::thread([] {
    tls_locker.Use("touch");
    exit(46);
  }).join();
  return 1;
}
static int RawExitInThread() {
  std::thread([] { _exit(47); }).join();
  return 1;
}
static int ExitInExit() {
  atexit([] { exit(48); });
  return 1;
}
static int RawExitInExit() {
  atexit([] { _exit(49); });
  return 1;
}

static void Quiet() {
  const rlimit none{0, 0};
  setrlimit(RLIMIT_CORE, &none);
}
static int Abort() {
  Quiet();
  signal(SIGABRT, [](int) { Say("SIGABRT handler\n"); });
  abort();
}
static int AbortLeft() {
  Quiet();
  signal(SIGABRT, [](int) { _exit(50); });
  abort();
}
static int AbortIgnored() {
  Quiet();
  signal(SIGABRT, SIG_IGN);
  std::lock_guard<std::mutex> guard(mutex_a);
  abort();
}
static int Uncaught() {
  Quiet();
  throw std::runtime_error("nobody catches this");
}
static int Assert() {
  Quiet();
  std::thread unjoined([] {
    sem_post(&ready);
    pause();
  });
  sem_wait(&ready);
  return 2;  // the destructor of a joinable std::thread terminates
}
static int Segfault() {
  Quiet();
  signal(SIGSEGV, [](int) {
    Say("SIGSEGV handler\n");
    exit(51);
  });
  volatile int* volatile none = nullptr;
  return *none;
}
static int Killed() {
  mutex_a.lock();
  raise(SIGKILL);
  return 1;
}
static int Terminated() {
  raise(SIGTERM);
  return 1;
}
static int TerminatedHandled() {
  signal(SIGTERM, [](int) { exit(52); });
  raise(SIGTERM);
  return 1;
}

// Others hold locks and wait for locks while this one goes.
static std::mutex theirs;
static int ExitWhileOthersHold() {
  std::thread([] {
    theirs.lock();
    sem_post(&ready);
    pause();
  }).detach();
  sem_wait(&ready);
  std::thread([] {
    sem_post(&ready);
    theirs.lock();
  }).detach();
  sem_wait(&ready);
  exit(53);
}
static int ReturnHolding() {
  theirs.lock();
  return 54;
}
static int ForkChildren() {
  const struct {
    const char* name;
    int (*run)();
  } kWays[] = {{"exit", Exit},   {"_exit", RawExit}, {"quick_exit", QuickExit},
               {"abort", Abort}, {"killed", Killed}, {"exit in a thread", ExitInThread}};
  for (const auto& way : kWays) {
    const pid_t child = fork();
    if (child == 0) {
      _exit(way.run());
    }
    Reap(way.name, child);
  }
  return 0;
}

int main(int argc, char** argv) {
  sem_init(&ready, 0, 0);
  tls_locker.Use("touch");
  atexit(AtExit);
  at_quick_exit(AtQuickExit);
  on_exit(OnExit, nullptr);
  static const Scenario kScenarios[] = {
      {"return", Return},
      {"exit", Exit},
      {"raw-exit", RawExit},
      {"capital-exit", CapitalExit},
      {"quick-exit", QuickExit},
      {"exit-in-thread", ExitInThread},
      {"raw-exit-in-thread", RawExitInThread},
      {"exit-in-exit", ExitInExit},
      {"raw-exit-in-exit", RawExitInExit},
      {"abort", Abort},
      {"abort-left", AbortLeft},
      {"abort-ignored", AbortIgnored},
      {"uncaught", Uncaught},
      {"assert", Assert},
      {"segfault", Segfault},
      {"killed", Killed},
      {"terminated", Terminated},
      {"terminated-handled", TerminatedHandled},
      {"exit-while-others-hold", ExitWhileOthersHold},
      {"return-holding", ReturnHolding},
      {"fork-children", ForkChildren},
      {nullptr, nullptr},
  };
  return RunScenario(kScenarios, argc, argv);
}
