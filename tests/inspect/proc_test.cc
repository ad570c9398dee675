#include "libsync/inspect/proc.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <latch>
#include <thread>

#include "tests/support/child_process.h"

namespace gordian::inspect {
namespace {

using ::testing::AnyOf;
using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::IsSupersetOf;
using ::testing::Not;

// Larger than any pid that the kernel gives (PID_MAX_LIMIT).
constexpr pid_t kNobody = 1 << 30;

uint64_t Now() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

// Until it holds, and false after a time that only a mistake takes.
bool Becomes(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) {
      return false;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

// A child that waits in read() for the far end of a pipe.
class BlockedChild {
 public:
  BlockedChild()
      : child_([this] {
          pipe_.CloseWrite();
          char byte;
          (void)!read(pipe_.read_end(), &byte, 1);
        }) {}

  pid_t pid() const { return child_.pid(); }
  int read_end() const { return pipe_.read_end(); }
  bool BecomesBlocked() const {
    return Becomes([this] {
      const std::optional<TaskWait> wait = ReadTaskWait(pid(), pid());
      return wait && wait->syscall == SYS_read;
    });
  }
  void Release() { pipe_.CloseWrite(); }
  int Reap() { return child_.Reap(); }

 private:
  Pipe pipe_;
  ChildProcess child_;
};

TEST(ParseTaskStatusTest, TakesTheInnermostNumber) {
  const std::string text =
      "Name:\ta) State:\\n\nUmask:\t0022\nState:\tS (sleeping)\nTracerPid:\t12\nNSpid:\t4711\t33\t2\n"
      "SigPnd:\t0000000000000100\nShdPnd:\t0000000000000001\nSigBlk:\t0000000000010000\n"
      "voluntary_ctxt_switches:\t10\nnonvoluntary_ctxt_switches:\t5\n";
  const std::optional<TaskStatus> status = ParseTaskStatus(text);
  ASSERT_TRUE(status);
  EXPECT_EQ(status->name, "a) State:\\n");
  EXPECT_EQ(status->state, 'S');
  EXPECT_EQ(status->tracer, 12);
  EXPECT_EQ(status->inner_tid, 2);
  EXPECT_EQ(status->switches, 15U);
  EXPECT_EQ(status->pending, 0x101U);
  EXPECT_EQ(status->blocked, 0x10000U);
  EXPECT_FALSE(ParseTaskStatus(""));
  EXPECT_FALSE(ParseTaskStatus("Name:\ta\n"));
}

TEST(ParseStatTest, NamesMayHoldAnything) {
  const std::string tail = " S 7 8 9 34816 42 4194560 99 0 0 0 11 22 0 0 20 0 5 0 987654 1000 200 1844";
  for (const std::string name :
       {"bash", "a b", ")", ") R 1 1 1", "((", "x) Z 0 (y", "", "new\nline", "tab\t"}) {
    const std::optional<ProcStat> stat = ParseStat("17 (" + name + ")" + tail);
    ASSERT_TRUE(stat) << name;
    EXPECT_EQ(stat->pid, 17);
    EXPECT_EQ(stat->comm, name);
    EXPECT_EQ(stat->state, 'S');
    EXPECT_EQ(stat->ppid, 7);
    EXPECT_EQ(stat->pgrp, 8);
    EXPECT_EQ(stat->session, 9);
    EXPECT_EQ(stat->cpu_ticks, 33u);
    EXPECT_EQ(stat->threads, 5);
    EXPECT_EQ(stat->start_ticks, 987654u);
  }
}

TEST(ParseStatTest, WhatIsCutOffIsNothing) {
  const std::string whole = "17 (bash) S 7 8 9 34816 42 4194560 99 0 0 0 11 22 0 0 20 0 5 0 9 ";
  for (size_t length = 0; length < whole.size() - 2; ++length) {
    EXPECT_FALSE(ParseStat(whole.substr(0, length))) << length;
  }
  EXPECT_TRUE(ParseStat(whole));
  EXPECT_FALSE(ParseStat("17 )bash( S 7 8 9"));
}

TEST(ParseTaskWaitTest, EachForm) {
  EXPECT_EQ(ParseTaskWait("running\n"), (TaskWait{.readable = true, .running = true}));
  EXPECT_EQ(ParseTaskWait("-1 0x7ffc12345678 0x401234\n"),
            (TaskWait{.readable = true, .sp = 0x7ffc12345678, .pc = 0x401234}));
  EXPECT_EQ(ParseTaskWait("202 0x10 0x80 0x0 0x0 0x5 0xffffffffffffffff 0x7f00 0x7f01\n"),
            (TaskWait{.readable = true,
                      .syscall = 202,
                      .args = {0x10, 0x80, 0, 0, 5, 0xffffffffffffffff},
                      .sp = 0x7f00,
                      .pc = 0x7f01}));
  for (const char* text : {"", "x", "202", "202 0x1 0x2", "-1", "-1 0x1"}) {
    EXPECT_EQ(ParseTaskWait(text), std::nullopt) << text;
  }
}

TEST(ProcTest, Self) {
  const std::optional<ProcStat> stat = ReadStat(getpid());
  ASSERT_TRUE(stat);
  EXPECT_EQ(stat->pid, getpid());
  EXPECT_EQ(stat->ppid, getppid());
  EXPECT_EQ(stat->pgrp, getpgrp());
  EXPECT_EQ(stat->session, getsid(0));
  EXPECT_EQ(stat->state, 'R');
  EXPECT_FALSE(stat->IsZombie());
  EXPECT_GT(stat->start_ticks, 0u);
  EXPECT_THAT(ListPids(), Contains(getpid()));
  EXPECT_THAT(ListProcesses(), Contains(Field(&ProcStat::pid, getpid())));
  const std::optional<std::string> executable = ReadExecutable(getpid());
  ASSERT_TRUE(executable);
  EXPECT_THAT(*executable, HasSubstr("proc_test"));
  const std::optional<std::vector<std::string>> command = ReadCommandLine(getpid());
  ASSERT_TRUE(command);
  EXPECT_THAT(command->at(0), HasSubstr("proc_test"));
}

TEST(ProcTest, Nobody) {
  EXPECT_FALSE(ReadStat(kNobody));
  EXPECT_FALSE(ReadTaskStat(getpid(), kNobody));
  EXPECT_FALSE(ReadTaskWait(kNobody, kNobody));
  EXPECT_FALSE(ReadTaskWait(getpid(), kNobody));
  EXPECT_FALSE(ReadContextSwitches(kNobody, kNobody));
  EXPECT_FALSE(ReadSignalMasks(kNobody));
  EXPECT_FALSE(ReadCommandLine(kNobody));
  EXPECT_FALSE(ReadExecutable(kNobody));
  EXPECT_THAT(ListTasks(kNobody), IsEmpty());
  EXPECT_THAT(Children({kNobody}), IsEmpty());
}

TEST(ProcTest, TasksAndTheirNames) {
  std::latch named(1);
  std::latch done(1);
  pid_t tid = 0;
  std::thread thread([&] {
    pthread_setname_np(pthread_self(), ") Z 1 (");
    tid = static_cast<pid_t>(syscall(SYS_gettid));
    named.count_down();
    done.wait();
  });
  named.wait();
  const std::vector<int32_t> tasks = ListTasks(getpid());  // a sanitizer may have one of its own
  const std::optional<ProcStat> stat = ReadTaskStat(getpid(), tid);
  const std::optional<ProcStat> process = ReadStat(getpid());
  done.count_down();
  thread.join();
  ASSERT_TRUE(stat);
  EXPECT_THAT(tasks, IsSupersetOf({getpid(), tid}));
  EXPECT_EQ(stat->pid, tid);
  EXPECT_EQ(stat->comm, ") Z 1 (");
  EXPECT_EQ(stat->ppid, getppid());
  EXPECT_NE(stat->state, 'Z');
  ASSERT_TRUE(process);
  EXPECT_EQ(process->threads, static_cast<int>(tasks.size()));
}

TEST(ProcTest, ChildBlockedInARead) {
  BlockedChild child;
  ASSERT_TRUE(child.BecomesBlocked());
  const std::optional<TaskWait> wait = ReadTaskWait(child.pid(), child.pid());
  ASSERT_TRUE(wait);
  EXPECT_TRUE(wait->readable);
  EXPECT_FALSE(wait->running);
  EXPECT_EQ(wait->args[0], static_cast<uint64_t>(child.read_end()));
  EXPECT_EQ(wait->args[2], 1u);
  EXPECT_NE(wait->sp, 0u);
  EXPECT_NE(wait->pc, 0u);
  const std::optional<ProcStat> stat = ReadStat(child.pid());
  ASSERT_TRUE(stat);
  EXPECT_EQ(stat->state, 'S');
  EXPECT_EQ(stat->ppid, getpid());

  // Asleep, nothing of it moves; one that did anything in between would show it.
  const std::optional<uint64_t> switches = ReadContextSwitches(child.pid(), child.pid());
  ASSERT_TRUE(switches);
  EXPECT_GT(*switches, 0u);
  EXPECT_EQ(ReadContextSwitches(child.pid(), child.pid()), switches);
  EXPECT_EQ(ReadTaskWait(child.pid(), child.pid()), wait);
  child.Release();
  EXPECT_EQ(child.Reap(), 0);
}

TEST(ProcTest, ContextSwitchesCountEachWakening) {
  const pid_t tid = static_cast<pid_t>(syscall(SYS_gettid));
  const std::optional<uint64_t> before = ReadContextSwitches(getpid(), tid);
  BlockedChild child;
  ASSERT_TRUE(child.BecomesBlocked());
  child.Release();
  EXPECT_EQ(child.Reap(), 0);
  const std::optional<uint64_t> after = ReadContextSwitches(getpid(), tid);
  ASSERT_TRUE(before && after);
  EXPECT_GT(*after, *before);
}

TEST(ProcTest, Zombie) {
  ChildProcess child([] { prctl(PR_SET_NAME, "a) S 1 (b"); });
  child.WaitForEnd();
  const std::optional<ProcStat> stat = ReadStat(child.pid());
  ASSERT_TRUE(stat);
  EXPECT_TRUE(stat->IsZombie());
  EXPECT_EQ(stat->comm, "a) S 1 (b");
  EXPECT_EQ(stat->ppid, getpid());
  EXPECT_EQ(ReadCommandLine(child.pid()), std::vector<std::string>{});
  EXPECT_FALSE(ReadExecutable(child.pid()));
  EXPECT_THAT(Children({getpid()}), Contains(Field(&ProcStat::pid, child.pid())));
  const pid_t pid = child.pid();
  child.Reap();
  EXPECT_FALSE(ReadStat(pid));
  EXPECT_THAT(Children({getpid()}), Not(Contains(Field(&ProcStat::pid, pid))));
}

TEST(ProcTest, ChildrenOfSeveral) {
  BlockedChild first;
  BlockedChild second;
  const std::vector<ProcStat> children = Children({getpid(), getppid()});
  EXPECT_THAT(children, Contains(Field(&ProcStat::pid, first.pid())));
  EXPECT_THAT(children, Contains(Field(&ProcStat::pid, second.pid())));
  EXPECT_THAT(children, Contains(Field(&ProcStat::pid, getpid())));
  EXPECT_THAT(children, Each(Field(&ProcStat::ppid, AnyOf(getpid(), getppid()))));
}

TEST(ProcTest, StartTimeOnTheMonotonicClock) {
  const uint64_t before = Now();
  BlockedChild child;
  const uint64_t after = Now();
  const std::optional<ProcStat> stat = ReadStat(child.pid());
  ASSERT_TRUE(stat);
  const uint64_t start = MonotonicNs(stat->start_ticks);
  const uint64_t tick = 1'000'000'000 / static_cast<uint64_t>(TicksPerSecond());
  // The kernel cuts to the tick; and the two clocks are not read at the same instant.
  EXPECT_GE(start + tick + tick / 2, before);
  EXPECT_LE(start, after + tick / 2);
  EXPECT_EQ(MonotonicNs(0), 0u);
}

TEST(ProcTest, BootIdIsAUuid) {
  const std::string id = BootId();
  EXPECT_EQ(id.size(), 36u);
  EXPECT_EQ(std::count(id.begin(), id.end(), '-'), 4);
  EXPECT_EQ(id, BootId());
}

TEST(ProcTest, SignalMasks) {
  Pipe ready;
  Pipe release;
  // A newline in the name must not pass for a line of the status file.
  ChildProcess child([&] {
    prctl(PR_SET_NAME, "a\nSigIgn:\tff");
    signal(SIGPIPE, SIG_IGN);
    signal(SIGCHLD, SIG_IGN);
    signal(SIGUSR1, [](int) {});
    ready.CloseWrite();
    release.CloseWrite();
    char byte;
    (void)!read(release.read_end(), &byte, 1);
  });
  ready.CloseWrite();
  char byte;
  ASSERT_EQ(read(ready.read_end(), &byte, 1), 0);
  const std::optional<SignalMasks> masks = ReadSignalMasks(child.pid());
  ASSERT_TRUE(masks);
  EXPECT_TRUE(masks->Ignores(SIGPIPE));
  EXPECT_TRUE(masks->Ignores(SIGCHLD));
  EXPECT_FALSE(masks->Ignores(SIGUSR1));
  EXPECT_TRUE(masks->Catches(SIGUSR1));
  EXPECT_FALSE(masks->Catches(SIGCHLD));
  EXPECT_FALSE(masks->Ignores(SIGHUP));
}

TEST(ProcTest, CommandLinesWithEmptyAndOddArguments) {
  Pipe input;
  ChildProcess child([&] {
    dup2(input.read_end(), 0);
    input.CloseWrite();
    execl("/bin/cat", "cat", "--", "-", "", "a b\nc", static_cast<char*>(nullptr));
  });
  EXPECT_TRUE(Becomes([&] {
    const std::optional<std::vector<std::string>> line = ReadCommandLine(child.pid());
    return line && !line->empty() && line->front() == "cat";
  }));
  const std::optional<std::vector<std::string>> command = ReadCommandLine(child.pid());
  ASSERT_TRUE(command);
  EXPECT_THAT(*command, ElementsAre("cat", "--", "-", "", "a b\nc"));
}

}  // namespace
}  // namespace gordian::inspect
