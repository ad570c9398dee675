// Signals that come at any moment: handlers that lock, fork, jump away; stacks that are small or not the
// thread's own.
#define _GNU_SOURCE
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <ucontext.h>

#include "probe.h"

enum { kLocks = 8 };
static pthread_mutex_t normal[kLocks];
static pthread_mutex_t recursive = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
static pthread_mutex_t for_handler = PTHREAD_MUTEX_INITIALIZER;
static volatile long handled;

static void Every(int signal, long microseconds, void (*handler)(int)) {
  struct sigaction action = {0};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART | SA_ONSTACK;
  sigaction(signal, &action, NULL);
  const struct itimerval interval = {{0, microseconds}, {0, microseconds}};
  setitimer(ITIMER_REAL, &interval, NULL);
}

static void LockInHandler(int signal) {
  (void)signal;
  ++handled;
  // Nobody else takes this one, so it is free: nothing here can block.
  pthread_mutex_lock(&for_handler);
  pthread_mutex_t local = PTHREAD_MUTEX_INITIALIZER;
  pthread_mutex_trylock(&local);
  pthread_mutex_unlock(&local);
  pthread_mutex_unlock(&for_handler);
}

static void LockOften(int rounds) {
  for (int i = 0; i < rounds; ++i) {
    pthread_mutex_lock(&normal[0]);
    pthread_mutex_lock(&normal[1 + i % 7]);
    pthread_mutex_unlock(&normal[1 + i % 7]);
    pthread_mutex_unlock(&normal[0]);
    if (i % 64 == 0) {
      pthread_mutex_lock(&recursive);
      pthread_mutex_lock(&recursive);
      pthread_mutex_unlock(&recursive);
      pthread_mutex_unlock(&recursive);
      pthread_mutex_trylock(&normal[2]);
      pthread_mutex_unlock(&normal[2]);
    }
  }
}

// However fast the machine is: until enough has been handled.
enum { kEnough = 1000 };

static void NoMoreAlarms(void) {
  const struct itimerval off = {{0, 0}, {0, 0}};
  setitimer(ITIMER_REAL, &off, NULL);
}

static int HandlerLocks(void) {
  Every(SIGALRM, 50, LockInHandler);
  while (handled < kEnough) {
    LockOften(1000);
  }
  NoMoreAlarms();
  return 0;
}

// All on the slow path: every lock is a new one, so the handler meets the recorder in the middle of its work.
static int HandlerMeetsRecorder(void) {
  Every(SIGALRM, 50, LockInHandler);
  for (int i = 0; handled < kEnough; ++i) {
    pthread_mutex_t fresh = PTHREAD_MUTEX_INITIALIZER;
    pthread_mutex_lock(&fresh);
    pthread_mutex_lock(&normal[i % kLocks]);
    pthread_mutex_unlock(&normal[i % kLocks]);
    pthread_mutex_unlock(&fresh);
  }
  NoMoreAlarms();
  return 0;
}

static void* StartAndEnd(void* unused) {
  pthread_mutex_lock(&normal[3]);
  pthread_mutex_unlock(&normal[3]);
  return unused;
}
static int HandlerMeetsThreads(void) {
  Every(SIGALRM, 100, LockInHandler);
  while (handled < kEnough) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, StartAndEnd, NULL) != 0 || pthread_join(thread, NULL) != 0) {
      Say("failed\n");
    }
  }
  NoMoreAlarms();
  return 0;
}

// A handler that runs in a new thread before the thread's routine: the signal is there already, for whoever
// does not block it, and only the new thread does not.
static int BeforeThreadBegins(void) {
  struct sigaction action = {.sa_handler = LockInHandler};
  sigaction(SIGUSR1, &action, NULL);
  sigset_t none;
  sigset_t usr1;
  sigemptyset(&none);
  sigemptyset(&usr1);
  sigaddset(&usr1, SIGUSR1);
  pthread_sigmask(SIG_BLOCK, &usr1, NULL);
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setsigmask_np(&attributes, &none);
  for (int i = 0; i < 20; ++i) {
    pthread_t thread;
    kill(getpid(), SIGUSR1);
    pthread_create(&thread, &attributes, StartAndEnd, NULL);
    pthread_join(thread, NULL);
  }
  Say("handled %ld\n", handled);
  return 0;
}

// The child of a handler that forks takes locks there and leaves from there.
static volatile int children;
static void ForkInHandler(int signal) {
  (void)signal;
  if (children < 150) {
    const pid_t child = fork();
    if (child == 0) {
      LockInHandler(0);
      _exit(44);
    }
    ++children;
  }
}
static int HandlerForks(void) {
  Every(SIGALRM, 300, ForkInHandler);
  while (children < 150) {
    pthread_mutex_t fresh = PTHREAD_MUTEX_INITIALIZER;
    pthread_mutex_lock(&fresh);
    const int which = children % kLocks;  // the handler counts on
    pthread_mutex_lock(&normal[which]);
    pthread_mutex_unlock(&normal[which]);
    pthread_mutex_unlock(&fresh);
  }
  NoMoreAlarms();
  int good = 0;
  int bad = 0;
  int status;
  while (wait(&status) > 0) {
    if (WIFEXITED(status) && WEXITSTATUS(status) == 44) {
      ++good;
    } else {
      ++bad;
    }
  }
  Say("good %d bad %d\n", good, bad);
  return 0;
}

// A time limit by siglongjmp, as old programs do it: whatever was interrupted is left.
static sigjmp_buf out;
static void JumpOut(int signal) {
  (void)signal;
  siglongjmp(out, 1);
}
static void* HoldUntilPosted(void* semaphores) {
  pthread_mutex_lock(&normal[0]);
  sem_post((sem_t*)semaphores);
  sem_wait((sem_t*)semaphores + 1);
  pthread_mutex_unlock(&normal[0]);
  return NULL;
}
static int JumpOutOfLock(void) {
  sem_t semaphores[2];
  sem_init(&semaphores[0], 0, 0);
  sem_init(&semaphores[1], 0, 0);
  pthread_t holder;
  pthread_create(&holder, NULL, HoldUntilPosted, semaphores);
  sem_wait(&semaphores[0]);
  struct sigaction action = {0};
  action.sa_handler = JumpOut;
  sigaction(SIGALRM, &action, NULL);
  for (volatile int i = 0; i < 5; ++i) {
    if (sigsetjmp(out, 1) == 0) {
      const struct itimerval once = {{0, 0}, {0, 20000}};
      setitimer(ITIMER_REAL, &once, NULL);
      pthread_mutex_lock(&normal[0]);
      Say("must not come here\n");
    }
  }
  Say("jumped out\n");
  sem_post(&semaphores[1]);
  pthread_join(holder, NULL);
  LockOften(1000);
  return 0;
}

// The same, but out of calls that do not block: of the recorder, that is, where it takes its time. Only
// try-locks of a lock that another thread holds, so that libc itself is never left half-way.
static volatile int jumps;
static void* TryAndJump(void* unused) {
  struct sigaction action = {0};
  action.sa_handler = JumpOut;
  sigaction(SIGALRM, &action, NULL);
  sigset_t alarm;
  sigemptyset(&alarm);
  sigaddset(&alarm, SIGALRM);
  pthread_sigmask(SIG_UNBLOCK, &alarm, NULL);
  sigsetjmp(out, 1);
  while (++jumps < 300) {
    const struct itimerval once = {{0, 0}, {0, 30 + jumps % 97}};
    setitimer(ITIMER_REAL, &once, NULL);
    for (;;) {
      pthread_mutex_trylock(&normal[0]);
    }
  }
  return unused;
}
static int JumpOutOfRecorder(void) {
  pthread_mutex_lock(&normal[0]);
  sigset_t alarm;
  sigemptyset(&alarm);
  sigaddset(&alarm, SIGALRM);
  pthread_t thread;
  pthread_sigmask(SIG_BLOCK, &alarm, NULL);  // only that thread may be hit
  pthread_create(&thread, NULL, TryAndJump, NULL);
  pthread_join(thread, NULL);
  pthread_mutex_unlock(&normal[0]);
  LockOften(1000);
  pthread_create(&thread, NULL, StartAndEnd, NULL);
  pthread_join(thread, NULL);
  Say("done\n");
  return 0;
}

// An alternate stack of the classic size, surrounded by bytes that must stay as they are.
enum { kAlternate = 8192, kGuard = 8192 };
static void CheckGuard(const char* memory, const char* where) {
  for (int i = 0; i < kGuard; ++i) {
    if (memory[i] != 0x5A) {
      Say("%s: overwritten\n", where);
      return;
    }
  }
  Say("%s: whole\n", where);
}
static void LockOnAlternateStack(int signal) {
  (void)signal;
  for (int i = 0; i < kLocks; ++i) {
    pthread_mutex_lock(&normal[i]);
  }
  for (int i = kLocks; i-- > 0;) {
    pthread_mutex_unlock(&normal[i]);
  }
  pthread_mutex_t local = PTHREAD_MUTEX_INITIALIZER;
  pthread_mutex_lock(&local);
  pthread_mutex_unlock(&local);
}
static void RaiseOn(char* stack) {
  stack_t alternate = {.ss_sp = stack, .ss_size = kAlternate};
  sigaltstack(&alternate, NULL);
  struct sigaction action = {0};
  action.sa_handler = LockOnAlternateStack;
  action.sa_flags = SA_ONSTACK;
  sigaction(SIGUSR1, &action, NULL);
  // Held, and in a frame below the alternate stack's array when that lies in main's frame.
  pthread_mutex_t held = PTHREAD_MUTEX_INITIALIZER;
  pthread_mutex_lock(&held);
  raise(SIGUSR1);
  pthread_mutex_unlock(&held);
  alternate.ss_flags = SS_DISABLE;
  sigaltstack(&alternate, NULL);
}
static int AlternateStack(void) {
  char memory[kGuard + kAlternate];
  memset(memory, 0x5A, sizeof(memory));
  RaiseOn(memory + kGuard);
  CheckGuard(memory, "below an array of main's");
  static char elsewhere[kGuard + kAlternate];
  memset(elsewhere, 0x5A, sizeof(elsewhere));
  RaiseOn(elsewhere + kGuard);
  CheckGuard(elsewhere, "below a static array");
  return 0;
}

// As little stack as a thread may have. Recursion goes down to where plain code would still fit.
static void* NestOnLittleStack(void* unused) {
  for (int i = 0; i < kLocks; ++i) {
    pthread_mutex_lock(&normal[i]);
  }
  pthread_mutex_t local = PTHREAD_MUTEX_INITIALIZER;
  pthread_mutex_lock(&local);
  pthread_mutex_unlock(&local);
  for (int i = kLocks; i-- > 0;) {
    pthread_mutex_unlock(&normal[i]);
  }
  return unused;
}
static int LittleStacks(void) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  Say("setstacksize %d\n", pthread_attr_setstacksize(&attributes, PTHREAD_STACK_MIN));
  pthread_t threads[16];
  for (int i = 0; i < 16; ++i) {
    Say("create %d\n", pthread_create(&threads[i], &attributes, NestOnLittleStack, NULL));
  }
  for (int i = 0; i < 16; ++i) {
    pthread_join(threads[i], NULL);
  }
  // Its own memory, with bytes below that must stay.
  static char memory[kGuard + 16384] __attribute__((aligned(4096)));
  memset(memory, 0x5A, sizeof(memory));
  pthread_attr_setstack(&attributes, memory + kGuard, 16384);
  Say("create %d\n", pthread_create(&threads[0], &attributes, NestOnLittleStack, NULL));
  pthread_join(threads[0], NULL);
  CheckGuard(memory, "below the thread's stack");
  return 0;
}

// Coroutines: the same thread on other stacks, locks taken on one and given back on another.
static ucontext_t home, contexts[4];
static void Coroutine(int self) {
  pthread_mutex_t local = PTHREAD_MUTEX_INITIALIZER;
  for (int round = 0; round < 50; ++round) {
    pthread_mutex_lock(&normal[self]);
    pthread_mutex_lock(&local);
    swapcontext(&contexts[self], &home);
    pthread_mutex_unlock(&local);
    pthread_mutex_unlock(&normal[self]);
  }
}
static int Coroutines(void) {
  static char memory[4][kGuard + 16384] __attribute__((aligned(16)));
  for (int i = 0; i < 4; ++i) {
    memset(memory[i], 0x5A, sizeof(memory[i]));
    getcontext(&contexts[i]);
    contexts[i].uc_stack.ss_sp = memory[i] + kGuard;
    contexts[i].uc_stack.ss_size = 16384;
    contexts[i].uc_link = &home;
    makecontext(&contexts[i], (void (*)(void))Coroutine, 1, i);
  }
  for (int round = 0; round < 51; ++round) {
    for (int i = 0; i < 4; ++i) {
      swapcontext(&home, &contexts[i]);
    }
  }
  for (int i = 0; i < 4; ++i) {
    CheckGuard(memory[i], "below a coroutine's stack");
  }
  return 0;
}

// A handler at each instruction of a call that is known by heart. It comes by a thousand depths to a function
// of a large frame, so that each situation that the thread remembers is of such a frame in the end; those of
// the interrupted call would lie beyond its stack, where a page is that nobody may touch.
#ifdef __x86_64__
enum { kTrapFlag = 0x100, kDepths = 1024, kLargeFrame = 16384 };
static int instruction;
static int instruction_to_meet;
static __attribute__((noinline)) void LockInLargeFrame(void) {
  volatile char frame[kLargeFrame];
  frame[0] = 0;
  pthread_mutex_lock(&for_handler);
  pthread_mutex_unlock(&for_handler);
  frame[1] = 0;
}
static __attribute__((noinline)) void LockAtDepth(int depth) {  // NOLINT(misc-no-recursion)
  volatile int deeper = depth;
  if (deeper > 0) {
    LockAtDepth(deeper - 1);
  } else {
    LockInLargeFrame();
  }
  deeper = 0;
}
static void MeetInstruction(int signal, siginfo_t* info, void* context) {
  (void)signal;
  (void)info;
  if (instruction++ == instruction_to_meet) {
    for (int depth = 0; depth < kDepths; ++depth) {
      LockAtDepth(depth);
    }
    ((ucontext_t*)context)->uc_mcontext.gregs[REG_EFL] &= ~kTrapFlag;  // what follows is of no interest
  }
}
static void SetTrapFlag(int on) {
  if (on) {
    __asm__ volatile("pushfq; orq %0, (%%rsp); popfq" ::"i"(kTrapFlag) : "memory", "cc");
  } else {
    __asm__ volatile("pushfq; andq %0, (%%rsp); popfq" ::"i"(~kTrapFlag) : "memory", "cc");
  }
}
static void* MeetEachInstruction(void* unused) {
  for (instruction_to_meet = 0; instruction_to_meet <= instruction; ++instruction_to_meet) {
    instruction = 0;
    // The last of these rounds, by the same code at the same place, is the one that is met.
    for (int round = 0; round < 4; ++round) {
      const int last = round == 3;
      if (last) {
        SetTrapFlag(1);
      }
      pthread_mutex_lock(&normal[0]);
      if (last) {
        SetTrapFlag(0);
      }
      pthread_mutex_unlock(&normal[0]);
    }
  }
  return unused;
}
static int HandlerAtEachInstruction(void) {
  struct sigaction action = {.sa_sigaction = MeetInstruction, .sa_flags = SA_SIGINFO};
  sigaction(SIGTRAP, &action, NULL);
  enum { kStack = 1 << 20, kBeyond = 1 << 20 };
  char* memory = mmap(NULL, kStack + kBeyond, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  mprotect(memory, kStack, PROT_READ | PROT_WRITE);
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstack(&attributes, memory, kStack);
  pthread_t thread;
  Say("create %d\n", pthread_create(&thread, &attributes, MeetEachInstruction, NULL));
  Say("join %d\n", pthread_join(thread, NULL));
  return 0;
}
#else
static int HandlerAtEachInstruction(void) { return 0; }
#endif

// Which signals are blocked and how they are handled is the program's own affair.
static int State(void) {
  sigset_t mask;
  pthread_sigmask(SIG_SETMASK, NULL, &mask);
  for (int i = 1; i < 65; ++i) {
    struct sigaction action;
    if (sigaction(i, NULL, &action) == 0) {
      Say("%d: %d %d\n", i, sigismember(&mask, i), action.sa_handler == SIG_DFL);
    }
  }
  stack_t alternate;
  sigaltstack(NULL, &alternate);
  struct itimerval timer;
  getitimer(ITIMER_REAL, &timer);
  Say("alternate stack %d, timer %ld\n", alternate.ss_flags, timer.it_value.tv_sec);
  Say("kill nobody %d", kill(999999999, SIGTERM));
  Say(" errno %d, ", errno);
  Say("no such signal %d", kill(getpid(), 999));
  Say(" errno %d\n", errno);
  Say("tgkill %d\n", tgkill(getpid(), getpid(), 0));
  return 0;
}

static volatile sig_atomic_t ran;

static void Count(int signal) { ran += signal; }

static void SayHandler(const char* call, int signal, void (*former)(int)) {
  struct sigaction now;
  sigaction(signal, NULL, &now);
  Say("%s: %s, errno %d, ", call, former == SIG_ERR ? "error" : former == Count ? "count" : "other", errno);
  Say("now %d, flags %x, ", now.sa_handler == Count, now.sa_flags & (int)~0x04000000u);
  ran = 0;
  if (now.sa_handler == Count) {
    raise(signal);
  }
  Say("ran %d\n", (int)ran);
  errno = 0;
}

// Every way to handle a signal.
static int HandlerCalls(void) {
  struct sigaction action = {.sa_handler = Count};
  for (int signal = -1; signal <= 66; signal += signal == 33 ? 30 : 1) {
    struct sigaction* nothing = signal < 1 || signal > 64 || signal == 32 ? (struct sigaction*)8 : &action;
    if (signal != SIGABRT) {
      Say("%d: %d ", signal, sigaction(signal, nothing, NULL));
      Say("errno %d\n", errno);
      errno = 0;
    }
  }
  SayHandler("signal", SIGUSR2, signal(SIGUSR2, Count));
  SayHandler("signal again", SIGUSR2, signal(SIGUSR2, SIG_IGN));
  SayHandler("signal of none", SIGUSR2, signal(999, Count));
  SayHandler("ssignal", SIGUSR2, ssignal(SIGUSR2, Count));
  SayHandler("sysv_signal", SIGALRM, sysv_signal(SIGALRM, Count));
  SayHandler("__sysv_signal", SIGALRM, __sysv_signal(SIGALRM, Count));
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
  SayHandler("sigset", SIGTERM, sigset(SIGTERM, Count));
  SayHandler("sigset hold", SIGUSR1, sigset(SIGTERM, SIG_HOLD));
  SayHandler("sigset held", SIGUSR1, sigset(SIGTERM, Count));
  Say("sigignore %d ", sigignore(SIGTERM));
  Say("of none %d", sigignore(999));
  Say(" errno %d\n", errno);
#pragma GCC diagnostic pop
  return 0;
}

int main(int argc, char** argv) {
  for (int i = 0; i < kLocks; ++i) {
    pthread_mutex_init(&normal[i], NULL);
  }
  static const struct Scenario kScenarios[] = {
      {"handler-locks", HandlerLocks},
      {"handler-meets-recorder", HandlerMeetsRecorder},
      {"handler-meets-threads", HandlerMeetsThreads},
      {"handler-at-each-instruction", HandlerAtEachInstruction},
      {"before-thread-begins", BeforeThreadBegins},
      {"handler-forks", HandlerForks},
      {"jump-out-of-lock", JumpOutOfLock},
      {"jump-out-of-recorder", JumpOutOfRecorder},
      {"alternate-stack", AlternateStack},
      {"little-stacks", LittleStacks},
      {"coroutines", Coroutines},
      {"state", State},
      {"handler-calls", HandlerCalls},
      {NULL, NULL},
  };
  return RunScenario(kScenarios, argc, argv);
}
