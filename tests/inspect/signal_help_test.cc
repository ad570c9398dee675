#include "libsync/inspect/signal_help.h"

#include <gtest/gtest.h>
#include <sys/syscall.h>

#include <csignal>
#include <string>
#include <vector>

namespace gordian::test {
namespace {

using inspect::HandlerCanEnd;
using inspect::HelpfulSignals;
using inspect::SignalBit;
using trace::WaitKind;

std::vector<trace::Module> Modules(const std::vector<std::string>& paths) {
  std::vector<trace::Module> modules;
  for (const std::string& path : paths) {
    modules.emplace_back().path = path;
  }
  return modules;
}

bool CanEnd(WaitKind kind, int64_t call) {
  trace::Wait wait;
  wait.kind = kind;
  inspect::TaskWait task;
  task.syscall = call;
  return HandlerCanEnd(wait, task);
}

TEST(SignalHelp, AHandlerPostsSignalsAndWrites) {
  EXPECT_TRUE(CanEnd(WaitKind::kLock, SYS_futex));
  EXPECT_TRUE(CanEnd(WaitKind::kCondition, SYS_futex));
  EXPECT_TRUE(CanEnd(WaitKind::kFutex, SYS_futex));
  EXPECT_TRUE(CanEnd(WaitKind::kCall, SYS_read));
  EXPECT_TRUE(CanEnd(WaitKind::kCall, SYS_recvfrom));
  EXPECT_TRUE(CanEnd(WaitKind::kCall, SYS_poll));
  EXPECT_TRUE(CanEnd(WaitKind::kCall, SYS_epoll_wait));
}

TEST(SignalHelp, AHandlerEndsNoChildAndEmptiesNoPipe) {
  EXPECT_FALSE(CanEnd(WaitKind::kProcess, SYS_wait4));
  EXPECT_FALSE(CanEnd(WaitKind::kJoin, SYS_futex));
  EXPECT_FALSE(CanEnd(WaitKind::kCall, SYS_write));
  EXPECT_FALSE(CanEnd(WaitKind::kCall, SYS_flock));
  EXPECT_FALSE(CanEnd(WaitKind::kLock, SYS_flock));
}

TEST(SignalHelp, BlockedSignalsFaultsAndThoseOfLibcDoNotHelp) {
  const uint64_t term = SignalBit(SIGTERM);
  EXPECT_EQ(HelpfulSignals(term | SignalBit(SIGSEGV) | SignalBit(33), 0, {}), term);
  EXPECT_EQ(HelpfulSignals(term, term, {}), 0U);
}

TEST(SignalHelp, WhatARuntimeHandlesForItself) {
  const uint64_t caught = SignalBit(SIGINT) | SignalBit(SIGTERM) | SignalBit(SIGUSR1) | SignalBit(SIGCHLD) |
                          SignalBit(SIGPWR) | SignalBit(SIGXCPU);
  const auto without = [caught](const std::string& path) {
    return caught & ~HelpfulSignals(caught, 0, Modules({"/opt/program", path}));
  };
  for (const char* path : {"/usr/bin/python3.11", "/usr/lib/libpython3.12.so.1.0", "/usr/bin/pypy3",
                           "/usr/lib/libpypy3.9-c.so"}) {
    EXPECT_EQ(without(path), SignalBit(SIGINT)) << path;
  }
  for (const char* path : {"/usr/bin/dash", "/bin/bash", "/bin/busybox"}) {
    EXPECT_EQ(without(path), SignalBit(SIGINT) | SignalBit(SIGCHLD)) << path;
  }
  EXPECT_EQ(without("/usr/lib/libgc.so.1.5.1"), SignalBit(SIGPWR) | SignalBit(SIGXCPU));
  EXPECT_EQ(without("/usr/lib/liburcu-signal.so.8.1.0"), SignalBit(SIGUSR1));
  for (const char* path : {"/usr/bin/shadow", "/opt/pythonqt", "/usr/lib/libgcrypt.so.20", "/opt/server"}) {
    EXPECT_EQ(without(path), 0U) << path;
  }
}

}  // namespace
}  // namespace gordian::test
