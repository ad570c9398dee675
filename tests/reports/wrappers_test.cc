#include "reports/wrappers.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "reports/frames.h"

namespace gordian::report {
namespace {

const Wrappers::SizeOf kSmall = [](const SourceFrame& /*frame*/) { return 40; };
const Wrappers::SizeOf kLarge = [](const SourceFrame& /*frame*/) { return 4000; };

SourceFrame Call(const std::string& function, uint64_t offset) {
  SourceFrame frame;
  frame.module = "/opt/app";
  frame.function = function;
  frame.offset = offset;
  return frame;
}

SourceFrame Inlined(const std::string& function, int line) {
  SourceFrame frame = Call(function, 0x500);
  frame.file = "/src/app.cc";
  frame.line = line;
  frame.inlined = true;
  return frame;
}

std::string PlaceOf(const Wrappers& wrappers, Frames stack, const Wrappers::SizeOf& size_of = kSmall) {
  wrappers.Mark(&stack, size_of);
  return TopFrame(stack).function;
}

// `take` is called from two places of `use`, and returns with what it took.
Wrappers Learnt(const Wrappers::SizeOf& size_of = kSmall) {
  Wrappers wrappers({});
  wrappers.Learn({Call("take", 0x10), Call("use", 0x100), Call("main", 0x900)},
                 {Call("take", 0x10), Call("use", 0x120), Call("main", 0x900)}, size_of);
  wrappers.Learn({Call("take", 0x10), Call("use", 0x120), Call("main", 0x900)},
                 {Call("read", 0x60), Call("use", 0x140), Call("main", 0x900)}, size_of);
  return wrappers;
}

TEST(WrappersTest, AreKnownByShape) {
  EXPECT_EQ(PlaceOf(Learnt(), {Call("take", 0x10), Call("other", 0x700)}), "other");
}

TEST(WrappersTest, ALongFunctionIsNone) {
  EXPECT_EQ(PlaceOf(Learnt(kLarge), {Call("take", 0x10), Call("other", 0x700)}), "take");
}

TEST(WrappersTest, OneCallerSharesItWithNobody) {
  Wrappers wrappers({});
  wrappers.Learn({Call("begin", 0x10), Call("run", 0x100)}, {Call("run", 0x120)}, kSmall);
  EXPECT_EQ(PlaceOf(wrappers, {Call("begin", 0x10), Call("run", 0x100)}), "begin");
}

TEST(WrappersTest, WhatIsStillInItsCriticalSectionIsNone) {
  Wrappers wrappers({});
  for (const uint64_t caller : {0x100, 0x200}) {
    wrappers.Learn({Call("transfer", 0x10), Call("clerk", caller)},
                   {Call("transfer", 0x20), Call("clerk", caller)}, kSmall);
  }
  EXPECT_EQ(PlaceOf(wrappers, {Call("transfer", 0x10), Call("clerk", 0x100)}), "transfer");
}

TEST(WrappersTest, OfAnInlinedFunctionTheLineOfTheCallTells) {
  Wrappers both({});
  both.Learn({Inlined("take_both", 5), Inlined("f", 20), Call("main", 0x500)},
             {Inlined("take_both", 6), Inlined("f", 20), Call("main", 0x520)}, kSmall);
  both.Learn({Inlined("take_both", 5), Inlined("f", 21), Call("main", 0x500)},
             {Inlined("take_both", 6), Inlined("f", 21), Call("main", 0x520)}, kSmall);
  EXPECT_EQ(PlaceOf(both, {Inlined("take_both", 5), Call("main", 0x500)}), "take_both");
  Wrappers one({});
  one.Learn({Inlined("take", 5), Inlined("f", 20), Call("main", 0x500)},
            {Inlined("take", 5), Inlined("f", 21), Call("main", 0x520)}, kSmall);
  one.Learn({Inlined("take", 5), Inlined("f", 21), Call("main", 0x500)},
            {Inlined("f", 30), Call("main", 0x520)}, kSmall);
  EXPECT_EQ(PlaceOf(one, {Inlined("take", 5), Call("main", 0x500)}), "main");
}

TEST(WrappersTest, SeveralLevelsDeep) {
  Wrappers wrappers({});
  for (const uint64_t caller : {0x100, 0x200}) {
    wrappers.Learn({Call("take", 0x10), Call("Guard<int>::Guard", 0x40), Call("use", caller)},
                   {Call("use", caller + 0x20)}, kSmall);
  }
  wrappers.Learn({Call("take", 0x10), Call("Guard<long>::Guard", 0x48), Call("use", 0x300)},
                 {Call("use", 0x320)}, kSmall);
  EXPECT_EQ(PlaceOf(wrappers, {Call("take", 0x10), Call("Guard<char>::Guard", 0x80), Call("use", 0x300)}),
            "use");
}

TEST(WrappersTest, WhatOnlyAWrapperCallsIsOne) {
  Wrappers wrappers({});
  for (const uint64_t caller : {0x100, 0x200}) {
    wrappers.Learn({Call("raw_take", 0x10), Call("take", 0x40), Call("use", caller)},
                   {Call("use", caller + 0x20)}, kSmall);
  }
  EXPECT_EQ(PlaceOf(wrappers, {Call("raw_take", 0x10), Call("take", 0x40), Call("use", 0x100)}), "use");
}

TEST(WrappersTest, TwoInlinedCallsOnOneLineAreTwo) {
  SourceFrame first = Inlined("take", 5);
  SourceFrame second = Inlined("take", 5);
  second.offset += 0x20;
  Wrappers wrappers({});
  wrappers.Learn({first, Inlined("f", 20), Call("main", 0x500)},
                 {second, Inlined("f", 20), Call("main", 0x520)}, kSmall);
  wrappers.Learn({second, Inlined("f", 20), Call("main", 0x500)}, {Call("main", 0x540)}, kSmall);
  EXPECT_EQ(PlaceOf(wrappers, {first, Call("main", 0x500)}), "main");
}

TEST(WrappersTest, TheirFamilyGoesWithThem) {
  Wrappers wrappers({});
  for (const uint64_t caller : {0x100, 0x200}) {
    wrappers.Learn({Call("my_lock", 0x10), Call("use", caller)}, {Call("use", caller + 0x20)}, kSmall);
    wrappers.Learn({Call("db::Gate::pass", 0x18), Call("use", caller)}, {Call("use", caller + 0x20)}, kSmall);
  }
  EXPECT_EQ(PlaceOf(wrappers, {Call("my_init", 0x30), Call("setup", 0x400)}), "setup");
  EXPECT_EQ(PlaceOf(wrappers, {Call("db::Gate::Gate", 0x30), Call("setup", 0x400)}), "setup");
  EXPECT_EQ(PlaceOf(wrappers, {Call("my_init", 0x30), Call("setup", 0x400)}, kLarge), "my_init");
  EXPECT_EQ(PlaceOf(wrappers, {Call("my_report", 0x30), Call("setup", 0x400)}), "my_report");
  EXPECT_EQ(PlaceOf(wrappers, {Call("other_init", 0x30), Call("setup", 0x400)}), "other_init");
  EXPECT_EQ(PlaceOf(wrappers, {Call("db::Gate::count", 0x30), Call("setup", 0x400)}), "db::Gate::count");
}

TEST(WrappersTest, AreKnownByTheirLibrary) {
  const Wrappers wrappers({});
  for (const char* function :
       {"g_mutex_lock", "apr_thread_mutex_lock", "PR_Lock", "uv_mutex_lock", "nni_mtx_lock", "nng_mtx_lock",
        "zmq::mutex_t::lock", "zmq::scoped_lock_t::scoped_lock_t", "QMutex::lock", "QReadLocker::relock",
        "absl::lts_20220623::Mutex::Lock", "absl::MutexLock::MutexLock",
        "boost::unique_lock<boost::mutex>::lock", "tbb::detail::d1::mutex::scoped_lock::acquire",
        "sqlite3_mutex_enter"}) {
    EXPECT_EQ(PlaceOf(wrappers, {Call(function, 0x10), Call("use", 0x100)}), "use") << function;
  }
  for (const char* function : {"zmq::ctx_t::terminate", "QObject::connect", "Queue::push", "nni_aio_wait",
                               "g_main_loop_run", "absl::Status::Status"}) {
    EXPECT_EQ(PlaceOf(wrappers, {Call(function, 0x10), Call("use", 0x100)}), function);
  }
}

TEST(WrappersTest, AreKnownByANameThatSaysNothingElse) {
  const Wrappers wrappers({});
  for (const char* function : {"lock_mutex", "MutexLock::MutexLock", "base::SpinLock::Acquire", "mutex_init",
                               "CriticalSection::Enter", "os::ScopedGuard<os::Mutex>::ScopedGuard"}) {
    EXPECT_EQ(PlaceOf(wrappers, {Call(function, 0x10), Call("use", 0x100)}), "use") << function;
  }
  for (const char* function : {"lock_table", "LockManager::Grant", "critical_section", "Monitor::Run",
                               "enter", "Cache::Load", "guard"}) {
    EXPECT_EQ(PlaceOf(wrappers, {Call(function, 0x10), Call("use", 0x100)}), function);
  }
}

TEST(WrappersTest, TheUserNamesOthers) {
  const Wrappers wrappers({"Storage::With*"});
  EXPECT_EQ(PlaceOf(wrappers, {Call("Storage::WithLock<int>", 0x10), Call("use", 0x100)}), "use");
}

TEST(WrappersTest, OnlyTheInnermostFramesAre) {
  Frames stack = {Call("Cache::Load", 0x10), Call("lock_mutex", 0x20), Call("main", 0x100)};
  Wrappers({}).Mark(&stack, kSmall);
  EXPECT_FALSE(stack[1].wrapper);
}

TEST(WrappersTest, AThreadThatBeginsInOneIsThere) {
  Frames stack = {Call("lock_mutex", 0x10), Call("start_thread", 0x20)};
  EXPECT_EQ(PlaceOf(Wrappers({}), stack), "lock_mutex");
}

TEST(WrappersTest, InALibraryWithoutSymbolsWhatItExportsTells) {
  Frames stack = {Call("", 0x10), Call("g_mutex_lock", 0x20), Call("use", 0x100)};
  stack[0].module = stack[1].module = "/usr/lib/libglib-2.0.so.0";
  EXPECT_EQ(PlaceOf(Wrappers({}), stack), "use");
}

}  // namespace
}  // namespace gordian::report
