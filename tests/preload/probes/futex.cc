// syscall(): futex calls of all kinds, by hand and by C++20's types; everything else goes through untouched.
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>

#include <atomic>
#include <barrier>
#include <latch>
#include <semaphore>
#include <thread>

#include "probe.h"

static uint32_t word = 1;

static void SayFutex(const char* what, int operation, uint32_t value, const timespec* timeout) {
  errno = 0;
  const long result = syscall(SYS_futex, &word, operation, value, timeout, nullptr, FUTEX_BITSET_MATCH_ANY);
  Say("%s %ld errno %d\n", what, result, errno);
}

static int Codes() {
  const timespec soon = {0, 300000};
  const timespec wrong = {0, -1};
  const timespec past = {1, 0};
  SayFutex("changed", FUTEX_WAIT, 2, nullptr);
  SayFutex("timeout", FUTEX_WAIT, 1, &soon);
  SayFutex("private", FUTEX_WAIT_PRIVATE, 1, &soon);
  SayFutex("wrong time", FUTEX_WAIT_PRIVATE, 1, &wrong);
  SayFutex("bitset", FUTEX_WAIT_BITSET_PRIVATE, 1, &past);
  SayFutex("bitset by the clock", FUTEX_WAIT_BITSET_PRIVATE | FUTEX_CLOCK_REALTIME, 1, &past);
  SayFutex("wake", FUTEX_WAKE_PRIVATE, 1, nullptr);
  SayFutex("no such", 77, 1, nullptr);
  word = 0;
  SayFutex("lock", FUTEX_LOCK_PI_PRIVATE, 0, nullptr);
  Say("mine %d\n", word == (uint32_t)syscall(SYS_gettid));
  SayFutex("again", FUTEX_LOCK_PI_PRIVATE, 0, nullptr);
  SayFutex("unlock", FUTEX_UNLOCK_PI_PRIVATE, 0, nullptr);
  Say("bad address %ld", syscall(SYS_futex, nullptr, FUTEX_WAIT_PRIVATE, 0, nullptr, nullptr, 0));
  Say(" errno %d\n", errno);
  return 0;
}

static int Interrupted() {
  struct sigaction action {};
  action.sa_handler = [](int) {};
  sigaction(SIGALRM, &action, nullptr);
  // Again and again: the first may come before the wait.
  const itimerval often = {{0, 20000}, {0, 20000}};
  setitimer(ITIMER_REAL, &often, nullptr);
  SayFutex("interrupted", FUTEX_WAIT_PRIVATE, 1, nullptr);
  return 0;
}

// Its next wait is a real one.
static void UntilAsleep(const std::atomic<pid_t>& thread) {
  while (thread == 0 || SleepsIn(getpid(), thread) != SYS_futex) {
    usleep(1000);
  }
}

static int Types() {
  std::counting_semaphore<4> semaphore(0);
  std::binary_semaphore back(0);
  std::latch latch(2);
  std::barrier barrier(2);
  std::atomic<int> number{0};
  std::atomic<pid_t> thread{0};
  std::thread other([&] {
    thread = gettid();
    semaphore.acquire();
    latch.arrive_and_wait();
    for (int i = 0; i < 100; ++i) {
      barrier.arrive_and_wait();
    }
    number.wait(0);
    back.release();
  });
  UntilAsleep(thread);
  semaphore.release();
  latch.arrive_and_wait();
  for (int i = 0; i < 100; ++i) {
    barrier.arrive_and_wait();
  }
  UntilAsleep(thread);
  number = 1;
  number.notify_all();
  back.acquire();
  Say("timed %d\n", back.try_acquire_for(std::chrono::milliseconds(1)));
  other.join();
  return 0;
}

// All six arguments, results beyond an int, errors.
static int Others() {
  char* memory = (char*)syscall(SYS_mmap, (void*)0, 8192ul, PROT_READ | PROT_WRITE,
                                MAP_PRIVATE | MAP_ANONYMOUS, -1, 0ul);
  memory[5000] = 1;
  Say("mapped %d\n", (long)memory > 0x100000000l);
  Say("unmapped %ld\n", syscall(SYS_munmap, memory, 8192ul));
  errno = 0;
  Say("no such %ld", syscall(99999));
  Say(" errno %d\n", errno);
  Say("pid %d\n", syscall(SYS_getpid) == getpid());
  return 0;
}

static int Cloned() {
  for (const long flags : {(long)SIGCHLD, (long)(CLONE_VFORK | SIGCHLD)}) {
    const pid_t child = (pid_t)syscall(SYS_clone, flags, 0, 0, 0, 0);
    if (child == 0) {
      SayFutex("child", FUTEX_WAKE_PRIVATE, 1, nullptr);
      syscall(SYS_exit_group, 3);
    }
    Reap("child", child);
  }
  const pid_t child = (pid_t)syscall(SYS_fork);
  if (child == 0) {
    syscall(SYS_exit_group, 4);
  }
  Reap("forked", child);
  return 0;
}

// A child on its parent's stack, which must find its return address there: no C function in between may have
// a frame. It ends at once, and leaves the stack as it is.
__attribute__((noinline)) static long Vfork() {
  long child;
  __asm__ volatile(
      "mov %1, %%rdi\n\t"
      "xor %%eax, %%eax\n\t"
      "sub $128, %%rsp\n\t"
      "mov %%rsp, %%rbx\n\t"
      "and $-16, %%rsp\n\t"
      "call syscall@PLT\n\t"
      "test %%rax, %%rax\n\t"
      "jnz 1f\n\t"
      "mov $5, %%edi\n\t"
      "mov $231, %%eax\n\t"  // exit_group
      "syscall\n"
      "1:\tmov %%rbx, %%rsp\n\t"
      "add $128, %%rsp\n\t"
      : "=&a"(child)
      : "i"(SYS_vfork)
      : "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "memory", "cc");
  return child;
}
static int Vforked() {
  Reap("child", (pid_t)Vfork());
  return 0;
}

int main(int argc, char** argv) {
  static const Scenario kScenarios[] = {
      {"codes", Codes},   {"interrupted", Interrupted}, {"types", Types},  {"others", Others},
      {"cloned", Cloned}, {"vforked", Vforked},         {nullptr, nullptr}};
  return RunScenario(kScenarios, argc, argv);
}
