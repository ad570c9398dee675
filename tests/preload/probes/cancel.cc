// Threads that end early: cancelled in every place where a thread can wait, by pthread_exit, by an exception.
// C++, so that destructors run too; what runs, and in which order, is printed.
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <time.h>

#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>

#include "probe.h"

static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t other = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t recursive = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
static pthread_cond_t never = PTHREAD_COND_INITIALIZER;
static sem_t ready;

struct Noisy {
  const char* name;
  ~Noisy() { Say("destructor of %s\n", name); }
};

static void Unlock(void* mutex) {
  Say("handler unlocks: %d\n", pthread_mutex_unlock((pthread_mutex_t*)mutex));
}

// Posted with the mutex held: whoever takes it after that finds the victim waiting.
static void* CondWait(void* how) {
  Noisy outer{"the outer frame"};
  pthread_mutex_lock(&m);
  pthread_cleanup_push(Unlock, &m);
  Noisy inner{"the inner frame"};
  sem_post(&ready);
  timespec far{};
  clock_gettime(CLOCK_REALTIME, &far);
  far.tv_sec += 1000;
  while (true) {
    if (how == nullptr) {
      pthread_cond_wait(&never, &m);
    } else if (strcmp((const char*)how, "timed") == 0) {
      pthread_cond_timedwait(&never, &m, &far);
    } else {
      pthread_cond_clockwait(&never, &m, CLOCK_REALTIME, &far);
    }
  }
  pthread_cleanup_pop(1);
  return nullptr;
}

static void SayEnd(pthread_t thread) {
  void* result = nullptr;
  const int error = pthread_join(thread, &result);
  Say("join %d, cancelled %d\n", error, result == PTHREAD_CANCELED);
}

static void UseLocks() {
  Say("trylock %d\n", pthread_mutex_trylock(&m));
  pthread_mutex_unlock(&m);
  pthread_mutex_lock(&m);
  pthread_mutex_lock(&other);
  pthread_mutex_unlock(&other);
  pthread_mutex_unlock(&m);
}

static int CancelCond(const char* how) {
  pthread_t thread;
  pthread_create(&thread, nullptr, CondWait, (void*)how);
  sem_wait(&ready);
  pthread_mutex_lock(&m);
  pthread_mutex_unlock(&m);
  const int error = pthread_cancel(thread);
  SayEnd(thread);
  Say("cancel %d\n", error);
  UseLocks();
  return 0;
}
static int Cond() { return CancelCond(nullptr); }
static int CondTimed() { return CancelCond("timed"); }
static int CondClock() { return CancelCond("clock"); }

// After the handler gave the mutex up, the thread holds nothing: what it takes then is no order.
static void UnlockAndTakeOthers(void*) {
  pthread_mutex_unlock(&m);
  pthread_mutex_lock(&other);
  pthread_mutex_unlock(&other);
  Say("took the other\n");
}
static void* CondThenOthers(void*) {
  pthread_mutex_lock(&m);
  pthread_cleanup_push(UnlockAndTakeOthers, nullptr);
  sem_post(&ready);
  while (true) {
    pthread_cond_wait(&never, &m);
  }
  pthread_cleanup_pop(1);
  return nullptr;
}
static int CondOrder() {
  pthread_t thread;
  pthread_create(&thread, nullptr, CondThenOthers, nullptr);
  sem_wait(&ready);
  pthread_mutex_lock(&other);
  pthread_mutex_lock(&m);  // other before m: a cycle if the handler were taken to hold m still
  pthread_mutex_unlock(&m);
  pthread_mutex_unlock(&other);
  pthread_cancel(thread);
  SayEnd(thread);
  return 0;
}

// The opposite: the handler still holds m when it takes the other, so this is a cycle.
static void TakeOthersThenUnlock(void*) {
  pthread_mutex_lock(&other);
  pthread_mutex_unlock(&other);
  pthread_mutex_unlock(&m);
}
static void* CondHolding(void*) {
  pthread_mutex_lock(&m);
  pthread_cleanup_push(TakeOthersThenUnlock, nullptr);
  sem_post(&ready);
  while (true) {
    pthread_cond_wait(&never, &m);
  }
  pthread_cleanup_pop(1);
  return nullptr;
}
static int CondOrderCycle() {
  pthread_t thread;
  pthread_create(&thread, nullptr, CondHolding, nullptr);
  sem_wait(&ready);
  pthread_mutex_lock(&other);
  pthread_mutex_lock(&m);
  pthread_mutex_unlock(&m);
  pthread_mutex_unlock(&other);
  pthread_cancel(thread);
  SayEnd(thread);
  return 0;
}

static void* CondRecursive(void*) {
  pthread_mutex_lock(&recursive);
  pthread_cleanup_push(Unlock, &recursive);
  sem_post(&ready);
  while (true) {
    pthread_cond_wait(&never, &recursive);
  }
  pthread_cleanup_pop(1);
  return nullptr;
}
static int CondOfRecursive() {
  pthread_t thread;
  pthread_create(&thread, nullptr, CondRecursive, nullptr);
  sem_wait(&ready);
  pthread_mutex_lock(&recursive);
  pthread_mutex_unlock(&recursive);
  pthread_cancel(thread);
  SayEnd(thread);
  Say("trylock %d\n", pthread_mutex_trylock(&recursive));
  pthread_mutex_unlock(&recursive);
  return 0;
}

static void* JoinForever(void* thread) {
  Noisy noisy{"the joiner"};
  sem_post(&ready);
  pthread_join(*(pthread_t*)thread, nullptr);
  return nullptr;
}
static void* WaitForPost(void* semaphore) {
  sem_wait((sem_t*)semaphore);
  return nullptr;
}
static int Join() {
  sem_t end;
  sem_init(&end, 0, 0);
  pthread_t slow, joiner;
  pthread_create(&slow, nullptr, WaitForPost, &end);
  pthread_create(&joiner, nullptr, JoinForever, &slow);
  sem_wait(&ready);
  pthread_cancel(joiner);
  SayEnd(joiner);
  sem_post(&end);
  Say("the thread can still be joined: %d\n", pthread_join(slow, nullptr));
  return 0;
}

static void* SleepLocked(void*) {
  pthread_mutex_lock(&m);
  pthread_cleanup_push(Unlock, &m);
  Noisy noisy{"the sleeper"};
  sem_post(&ready);
  sleep(1000);
  pthread_cleanup_pop(1);
  return nullptr;
}
static int Sleep() {
  pthread_t thread;
  pthread_create(&thread, nullptr, SleepLocked, nullptr);
  sem_wait(&ready);
  pthread_cancel(thread);
  SayEnd(thread);
  UseLocks();
  return 0;
}

static void* WaitForChild(void* child) {
  Noisy noisy{"who waits for a child"};
  sem_post(&ready);
  int status = 0;
  waitpid(*(pid_t*)child, &status, 0);
  return nullptr;
}
static int Waitpid() {
  pid_t child = fork();
  if (child == 0) {
    pause();
    _exit(1);
  }
  pthread_t thread;
  pthread_create(&thread, nullptr, WaitForChild, &child);
  sem_wait(&ready);
  pthread_cancel(thread);
  SayEnd(thread);
  kill(child, SIGKILL);
  Reap("child", child);
  return 0;
}

static void* Compute(void*) {
  pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, nullptr);
  sem_post(&ready);
  for (volatile unsigned long i = 0;; ++i) {
  }
  return nullptr;
}
static int Asynchronous() {
  for (int i = 0; i < 20; ++i) {
    pthread_t thread;
    pthread_create(&thread, nullptr, Compute, nullptr);
    sem_wait(&ready);
    pthread_cancel(thread);
    void* result = nullptr;
    pthread_join(thread, &result);
    if (result != PTHREAD_CANCELED) {
      Say("not cancelled\n");
    }
  }
  UseLocks();
  return 0;
}

// Cancelled anywhere in a lock call, the recorder's part included: the others go on. Every mutex is new, so
// that there is always something to record.
static void* LockForever(void*) {
  sem_post(&ready);
  pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, nullptr);
  while (true) {
    pthread_mutex_t fresh = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutex_init(&fresh, &attributes);
    pthread_mutex_lock(&fresh);
    pthread_mutex_unlock(&fresh);
    pthread_mutex_destroy(&fresh);
  }
  return nullptr;
}
static int AsynchronousLocks() {
  for (int i = 0; i < 300; ++i) {
    pthread_t thread;
    pthread_create(&thread, nullptr, LockForever, nullptr);
    sem_wait(&ready);
    for (volatile int spin = 0; spin < i * 20; ++spin) {
    }
    pthread_cancel(thread);
    void* result = nullptr;
    pthread_join(thread, &result);
    if (result != PTHREAD_CANCELED) {
      Say("not cancelled\n");
    }
    UseLocks();
  }
  return 0;
}

// Cancelled just as it returns: it ends one way or the other, and the process stays whole.
static void* ReturnAtOnce(void*) {
  pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, nullptr);
  return nullptr;
}
static int AsynchronousReturn() {
  for (int i = 0; i < 2000; ++i) {
    pthread_t thread;
    pthread_create(&thread, nullptr, ReturnAtOnce, nullptr);
    pthread_cancel(thread);
    pthread_join(thread, nullptr);
  }
  UseLocks();
  return 0;
}

static void* Disabled(void*) {
  int before = -1;
  pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
  int type = -1;
  pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, &type);
  Say("state was %d, type %d\n", before, type);
  sem_post(&ready);
  pthread_mutex_lock(&m);
  pthread_mutex_unlock(&m);
  timespec past{};
  pthread_mutex_lock(&m);
  Say("timedwait %d\n", pthread_cond_timedwait(&never, &m, &past));
  pthread_mutex_unlock(&m);
  pthread_setcancelstate(before, nullptr);
  pthread_testcancel();
  Say("must not come here\n");
  return nullptr;
}
static int DisabledFirst() {
  pthread_mutex_lock(&m);
  pthread_t thread;
  pthread_create(&thread, nullptr, Disabled, nullptr);
  sem_wait(&ready);
  pthread_cancel(thread);
  pthread_mutex_unlock(&m);
  SayEnd(thread);
  return 0;
}

// Mutex calls are no cancellation points.
static void* LockWhileCancelled(void*) {
  pthread_cancel(pthread_self());
  for (int i = 0; i < 3; ++i) {
    pthread_mutex_lock(&m);
    pthread_mutex_lock(&other);
    pthread_mutex_unlock(&other);
    pthread_cond_signal(&never);
    pthread_mutex_unlock(&m);
  }
  pthread_t thread;
  pthread_create(&thread, nullptr, WaitForPost, &ready);
  sem_post(&ready);
  pthread_detach(thread);
  Say("still here\n");
  pthread_testcancel();
  Say("must not come here\n");
  return nullptr;
}
static int NoCancellationPoints() {
  pthread_t thread;
  pthread_create(&thread, nullptr, LockWhileCancelled, nullptr);
  SayEnd(thread);
  return 0;
}

static pthread_key_t key;
static void KeyEnds(void*) {
  Say("key destructor\n");
  pthread_mutex_lock(&m);
  pthread_mutex_unlock(&m);
}
struct InTls {
  int touched = 0;
  ~InTls() {
    Say("thread_local destructor\n");
    std::mutex mutex;
    std::lock_guard<std::mutex> guard(mutex);
  }
};
static thread_local InTls in_tls;
static void Handler(void* text) { Say("handler %s\n", (const char*)text); }
static void* ExitDeep(void*) {
  in_tls.touched = 1;
  pthread_setspecific(key, &key);
  Noisy noisy{"a frame"};
  pthread_cleanup_push(Handler, (void*)"first");
  pthread_cleanup_push(Handler, (void*)"second");
  try {
    pthread_exit((void*)17);
  } catch (...) {
    Say("unwound past a catch\n");
    throw;
  }
  pthread_cleanup_pop(0);
  pthread_cleanup_pop(0);
  return nullptr;
}
static int ThreadExit() {
  pthread_key_create(&key, KeyEnds);
  pthread_t thread;
  pthread_create(&thread, nullptr, ExitDeep, nullptr);
  void* result = nullptr;
  const int error = pthread_join(thread, &result);
  Say("join %d result %ld\n", error, (long)result);
  std::thread([] {
    in_tls.touched = 2;
    Noisy inside{"a std::thread"};
  }).join();
  return 0;
}

static void* ExitAfterMain(void* main_thread) {
  void* result = nullptr;
  const int error = pthread_join(*(pthread_t*)main_thread, &result);
  Say("main joined %d result %ld\n", error, (long)result);
  pthread_mutex_lock(&m);
  pthread_mutex_unlock(&m);
  return nullptr;
}
static pthread_t main_thread;
static int MainExits() {
  main_thread = pthread_self();
  pthread_t thread;
  pthread_create(&thread, nullptr, ExitAfterMain, &main_thread);
  pthread_detach(thread);
  atexit([] { Say("atexit\n"); });
  Noisy noisy{"main's frame"};
  pthread_exit((void*)5);
}

static int Uncaught() {
  signal(SIGABRT, [](int) { Say("SIGABRT\n"); });
  std::set_terminate([] {
    Say("terminate\n");
    abort();
  });
  std::thread([] {
    Noisy noisy{"never unwound"};
    throw 7;
  }).join();
  return 0;
}

static int Caught() {
  std::exception_ptr caught;
  std::mutex mutex;
  std::thread([&] {
    try {
      std::lock_guard<std::mutex> guard(mutex);
      Noisy noisy{"the throwing frame"};
      throw 7;
    } catch (int value) {
      Say("caught %d\n", value);
      caught = std::current_exception();
    }
  }).join();
  try {
    std::rethrow_exception(caught);
  } catch (int value) {
    Say("again %d\n", value);
  }
  std::lock_guard<std::mutex> guard(mutex);
  return 0;
}

// Left by siglongjmp from a condition's wait: a later pthread_exit must not run into what was left behind.
static sigjmp_buf out;
static void JumpOut(int) { siglongjmp(out, 1); }
static void* JumpOutOfWait(void* how) {
  pthread_cleanup_push(Handler, (void*)"outermost");
  if (sigsetjmp(out, 1) == 0) {
    pthread_mutex_lock(&m);
    sem_post(&ready);
    while (true) {
      pthread_cond_wait(&never, &m);
    }
  }
  Say("jumped out, unlock %d\n", pthread_mutex_unlock(&m));
  if (how == nullptr) {
    pthread_exit((void*)3);
  }
  pthread_cancel(pthread_self());
  pthread_testcancel();
  pthread_cleanup_pop(0);
  return nullptr;
}
static int Jump() {
  struct sigaction action {};
  action.sa_handler = JumpOut;
  sigaction(SIGUSR1, &action, nullptr);
  for (const char* how : {(const char*)nullptr, "cancel"}) {
    pthread_t thread;
    pthread_create(&thread, nullptr, JumpOutOfWait, (void*)how);
    sem_wait(&ready);
    pthread_mutex_lock(&m);
    pthread_mutex_unlock(&m);
    pthread_kill(thread, SIGUSR1);
    SayEnd(thread);
  }
  UseLocks();
  return 0;
}

// A detached thread may free the very memory that its creator was told its name in.
static void* UnmapOwnName(void* memory) {
  pthread_detach(pthread_self());
  munmap((char*)memory - 1024, 4096);
  sem_post(&ready);
  return nullptr;
}
static int NameUnmapped() {
  for (int i = 0; i < 2000; ++i) {
    void* memory = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    pthread_create((pthread_t*)memory, nullptr, UnmapOwnName, (char*)memory + 1024);
    sem_wait(&ready);
  }
  Say("done\n");
  return 0;
}

static int Codes() {
  pthread_t thread;
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  Say("self join %d\n", pthread_join(pthread_self(), nullptr));
  pthread_create(&thread, nullptr, WaitForPost, &ready);
  timespec past{};
  void* result = (void*)1;
  Say("tryjoin %d\n", pthread_tryjoin_np(thread, &result));
  Say("timedjoin %d\n", pthread_timedjoin_np(thread, &result, &past));
  Say("clockjoin %d\n", pthread_clockjoin_np(thread, &result, CLOCK_MONOTONIC, &past));
  Say("clockjoin with no clock %d\n", pthread_clockjoin_np(thread, &result, 77, &past));
  sem_post(&ready);
  Say("join %d", pthread_join(thread, &result));
  Say(" result %d\n", result == nullptr);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  static sem_t end;  // used by a thread that may outlive this frame
  sem_init(&end, 0, 0);
  pthread_create(&thread, &attributes, WaitForPost, &end);
  Say("join detached %d, detach again %d\n", pthread_join(thread, nullptr), pthread_detach(thread));
  sem_post(&end);
  pthread_attr_setstacksize(&attributes, 1ul << 45);
  Say("too large %d\n", pthread_create(&thread, &attributes, WaitForPost, &end));
  return 0;
}

int main(int argc, char** argv) {
  sem_init(&ready, 0, 0);
  static const Scenario kScenarios[] = {
      {"cond", Cond},
      {"cond-timed", CondTimed},
      {"cond-clock", CondClock},
      {"cond-order", CondOrder},
      {"cond-order-cycle", CondOrderCycle},
      {"cond-recursive", CondOfRecursive},
      {"join", Join},
      {"sleep", Sleep},
      {"waitpid", Waitpid},
      {"asynchronous", Asynchronous},
      {"asynchronous-return", AsynchronousReturn},
      {"asynchronous-locks", AsynchronousLocks},
      {"disabled", DisabledFirst},
      {"no-points", NoCancellationPoints},
      {"thread-exit", ThreadExit},
      {"main-exits", MainExits},
      {"uncaught", Uncaught},
      {"caught", Caught},
      {"jump", Jump},
      {"name-unmapped", NameUnmapped},
      {"codes", Codes},
      {nullptr, nullptr},
  };
  return RunScenario(kScenarios, argc, argv);
}
