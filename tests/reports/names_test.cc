#include "reports/names.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "reports/frames.h"
#include "tests/reports/reports.h"

namespace gordian::report {
namespace {

using Names = std::vector<std::string>;

SourceFrame In(const std::string& module, const std::string& function) {
  SourceFrame frame;
  frame.module = module;
  frame.function = function;
  return frame;
}

SourceFrame App(const std::string& function) { return In("/opt/app", function); }

TEST(IdentifyingFunctionsTest, EndsWithTheFunctionThatDecidedToLock) {
  EXPECT_EQ(IdentifyingFunctions({App("std::mutex::lock"), App("Cache::Load"), App("main")}, "/opt/app"),
            Names{"Cache::Load"});
  EXPECT_EQ(
      IdentifyingFunctions(
          {App("Mutex::Acquire"), App("MutexLock::MutexLock"), App("Cache::Load"), App("main")}, "/opt/app"),
      (Names{"Mutex::Acquire", "MutexLock::MutexLock", "Cache::Load"}));
  EXPECT_EQ(
      IdentifyingFunctions({App("apr_thread_mutex_lock"), App("Block::Unblock"), App("main")}, "/opt/app"),
      (Names{"apr_thread_mutex_lock", "Block::Unblock"}));
}

TEST(IdentifyingFunctionsTest, SkipsWhatAnotherCompilerOptionWouldChange) {
  const Frames optimised = {App("lock_all<int>"), App("Load<A<int> >")};
  const Frames plain = {App("__gthread_mutex_lock"), App("std::lock_guard<std::mutex>::lock_guard"),
                        App("lock_all<int>"),        App("lock_all<int>"),
                        App("Load<A<int> >"),        App("std::__invoke_impl<void>")};
  EXPECT_EQ(IdentifyingFunctions(optimised, "/opt/app"), (Names{"lock_all", "Load"}));
  EXPECT_EQ(IdentifyingFunctions(plain, "/opt/app"), IdentifyingFunctions(optimised, "/opt/app"));
}

TEST(IdentifyingFunctionsTest, TellsLibrariesByTheirNameAndTheProgramByNone) {
  EXPECT_EQ(IdentifyingFunctions({In("/usr/lib/libshop.so.2", "Load")}, "/opt/app"),
            Names{"libshop.so.2:Load"});
  EXPECT_EQ(IdentifyingFunctions({In("/opt/app", "Load")}, "/opt/app"), Names{"Load"});
}

TEST(IdentifyingFunctionsTest, TellsPlacesWithoutANameByTheirOffset) {
  SourceFrame nameless = In("/opt/app", "");
  nameless.offset = 0x12ab;
  EXPECT_EQ(IdentifyingFunctions({nameless}, "/opt/app"), Names{"app+0x12ab"});
  nameless.module = "";
  EXPECT_EQ(IdentifyingFunctions({nameless}, "/opt/app"), Names{"?"}) << "of this run only";
  nameless.module = "/usr/lib/libshop.so.2";
  EXPECT_EQ(IdentifyingFunctions({nameless}, "/opt/app"), Names{"libshop.so.2+0x12ab"});
}

TEST(IdentifyingFunctionsTest, NothingOfNothing) { EXPECT_EQ(IdentifyingFunctions({}, "/opt/app"), Names{}); }

TEST(FramesTest, WithoutProjectFramesAllAreKept) {
  const Frames runtime = {In("/usr/lib/libc.so.6", "malloc"), In("/usr/lib/libc.so.6", "__libc_start_main")};
  EXPECT_EQ(ProjectFrames(runtime).size(), 2U);
  EXPECT_EQ(TopFrame(runtime).function, "malloc");
}

TEST(FramesTest, AFrameOfTheShimIsOurs) {
  EXPECT_TRUE(IsOwnFrame(In("/usr/lib/libgordian_preload.so", "hook_mutex_lock")));
  EXPECT_FALSE(IsOwnFrame(In("/usr/lib/libgordian.so", "f")));
}

class NameLockTest : public ::testing::Test {
 protected:
  NameLockTest() {
    process_.executable = "/nowhere/app";
    trace::Module module;
    module.path = process_.executable;
    module.start = 0x1000;
    process_.modules = {module};
    process_.stacks = {{{{0, 0x10}}}, {{{0, 0x20}}}};
  }

  std::string Name(const trace::Lock& lock) { return NameLock(process_, lock, &symbolizer_).name; }

  trace::Process process_;
  Symbolizer symbolizer_;
};

TEST_F(NameLockTest, TakesTheBestThatIsKnown) {
  trace::Lock lock;
  lock.kind = trace::LockKind::kMutex;
  lock.address = 0x7f10;
  EXPECT_EQ(Name(lock), "mutex 0x7f10");
  lock.first_stack = 0;
  EXPECT_EQ(Name(lock), "mutex first locked at app+0x1010");
  lock.kind = trace::LockKind::kCondition;
  EXPECT_EQ(Name(lock), "condition first used at app+0x1010");
  lock.kind = trace::LockKind::kRwlock;
  lock.create_stack = 1;
  EXPECT_EQ(Name(lock), "read-write lock created at app+0x1020");
  lock.name = "orders";
  EXPECT_EQ(Name(lock), "orders");
}

TEST_F(NameLockTest, AStaticLockWithoutSymbolIsNamedByItsPlace) {
  trace::Lock lock;
  lock.kind = trace::LockKind::kMutex;
  lock.place = {0, 0x40};
  lock.first_stack = 0;
  EXPECT_EQ(Name(lock), "mutex at app+0x1040");
}

TEST_F(NameLockTest, ClassesHoldNoAddresses) {
  trace::Lock lock;
  lock.kind = trace::LockKind::kMutex;
  lock.address = 0x7f10;
  lock.first_stack = 0;
  for (const trace::Index created : {trace::kNoIndex, 1}) {
    lock.create_stack = created;
    EXPECT_EQ(NameLock(process_, lock, &symbolizer_).lock_class.find("7f10"), std::string::npos);
  }
}

TEST(MakeDistinctTest, NumbersEqualNamesOnly) {
  std::vector<ReportLock> locks(3);
  locks[0].name = locks[2].name = "mutex created at a.cc:3";
  locks[1].name = "g_a";
  MakeDistinct(&locks);
  EXPECT_EQ(locks[0].name, "mutex created at a.cc:3 (1)");
  EXPECT_EQ(locks[1].name, "g_a");
  EXPECT_EQ(locks[2].name, "mutex created at a.cc:3 (2)");
}

TEST(ThreadNameTest, SaysWhatIsKnown) {
  trace::Process process;
  process.pid = 10;
  process.executable = "/opt/a-long-program-name";
  trace::Thread thread;
  thread.tid = 12;
  EXPECT_EQ(ThreadName(process, thread, false), "thread 12");
  thread.name = "a-long-program-";
  EXPECT_EQ(ThreadName(process, thread, false), "thread 12");
  EXPECT_EQ(ThreadName(process, thread, true), "thread 12 (pid 10, a-long-program-name)");
  thread.name = "worker";
  EXPECT_EQ(ThreadName(process, thread, false), "worker (tid 12)");
  EXPECT_EQ(ThreadName(process, thread, true), "worker (tid 12, pid 10, a-long-program-name)");
  thread.flags = trace::kMainThread;
  EXPECT_EQ(ThreadName(process, thread, false), "main");
  EXPECT_EQ(ThreadName(process, thread, true), "main (pid 10, a-long-program-name)");
}

}  // namespace
}  // namespace gordian::report
