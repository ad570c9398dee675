// Which sleeps in input or output with a lock held are told of, from slots and what the kernel would say.
#include "cli/watch/blocked.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/syscall.h>

#include <optional>
#include <string>
#include <vector>

#include "tests/support/event_script.h"

namespace gordian::cli {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr uint64_t kMs = 1'000'000;
constexpr trace::Ref kThread = 10;
constexpr trace::Ref kLock = 20;
constexpr trace::Ref kStack = 30;

// Thread 1 of a script that ends with it holding something, and the kernel beside it.
class Blocked : public ::testing::Test {
 protected:
  explicit Blocked(const std::string& script = "live 1:+A") : played_(test::Play(script)), watch_(100 * kMs) {
    trace::Thread& thread = played_.thread(1);
    slot_.slot.tid = thread.tid;
    slot_.slot.thread = kThread;
    slot_.slot.acquisitions = thread.acquisitions;
    slot_.held.push_back({kLock, kStack, thread.acquisitions, 1, 0, 0});
    Sleeps(SYS_read, 1);
  }

  void Sleeps(int64_t call, uint64_t switches) {
    sleep_.emplace();
    sleep_->switches = switches;
    sleep_->wait.syscall = call;
    sleep_->wait.sp = 0x7000;
  }
  BlockedWatch::FindSleepOf Kernel() {
    return [this](int32_t tid) {
      ++asked_;
      return tid == slot_.slot.tid ? sleep_ : std::nullopt;
    };
  }
  bool LookAt(uint64_t ms) { return watch_.Look({slot_}, Kernel(), ms * kMs); }
  void Name() {
    watch_.Name(played_.process(), Kernel(), [](const inspect::TaskWait&) {
      inspect::TaskStack at;
      at.modules.push_back({"/lib/seen.so", "", 0x7000'0000, 0x7000'1000, 0});
      at.stack.frames.push_back({0, 0x10, false});
      return at;
    });
  }
  std::vector<trace::Event> Told() {
    trace::Process process = played_.process();
    watch_.AddTo(&process);
    return process.events;
  }

  test::Played played_;
  BlockedWatch watch_;
  trace::SlotSnapshot slot_{};
  std::optional<Sleep> sleep_;
  int asked_ = 0;
};

TEST_F(Blocked, IsToldWithItsLockItsCallAndItsPlace) {
  EXPECT_FALSE(LookAt(1000));
  EXPECT_EQ(asked_, 0);  // it may be on its way
  EXPECT_FALSE(LookAt(1250));
  EXPECT_TRUE(LookAt(1500));
  Name();
  EXPECT_FALSE(LookAt(2500));
  trace::Process& process = played_.process();
  watch_.AddTo(&process);
  ASSERT_THAT(process.events, SizeIs(1));
  const trace::Event& event = process.events[0];
  EXPECT_EQ(event.kind, trace::EventKind::kBlockedWhileLocked);
  EXPECT_EQ(event.thread, played_.threads.at(1));
  EXPECT_EQ(event.lock, played_.locks.at("A"));
  EXPECT_EQ(event.other_stack, played_.thread(1).held[0].stack);
  EXPECT_EQ(event.text, "read");
  EXPECT_EQ(event.value, 1'250'000'000);
  EXPECT_EQ(event.count, 1U);
  const std::vector<trace::Frame>& frames = process.stacks[static_cast<size_t>(event.stack)].frames;
  ASSERT_THAT(frames, SizeIs(1));
  EXPECT_EQ(process.modules[static_cast<size_t>(frames[0].module)].path, "/lib/seen.so");
}

TEST_F(Blocked, CountsEachSleepOfAPlace) {
  for (uint64_t call = 1; call <= 3; ++call) {
    Sleeps(SYS_read, call);
    LookAt(call * 10'000);
    LookAt(call * 10'000 + 250);
    if (LookAt(call * 10'000 + 500)) {
      Name();
    }
  }
  const std::vector<trace::Event> events = Told();
  ASSERT_THAT(events, SizeIs(1));
  EXPECT_EQ(events[0].count, 3U);
}

TEST_F(Blocked, WhoWokeInBetweenIsBusy) {
  for (uint64_t look = 1; look < 10; ++look) {
    Sleeps(SYS_read, look);
    EXPECT_FALSE(LookAt(1000 + 250 * look));
  }
  EXPECT_TRUE(watch_.IsEmpty());
}

TEST_F(Blocked, WhoTookOrGaveBackALockInBetweenIsBusy) {
  for (uint64_t look = 1; look < 10; ++look) {
    ++slot_.slot.acquisitions;
    EXPECT_FALSE(LookAt(1000 + 250 * look));
  }
  EXPECT_EQ(asked_, 0);
}

TEST_F(Blocked, NothingIsAskedOfWhoHoldsNothingOrWaitsAsRecorded) {
  slot_.slot.wait_kind = static_cast<uint8_t>(trace::WaitKind::kLock);
  LookAt(1000);
  LookAt(1250);
  LookAt(1500);
  slot_.slot.wait_kind = static_cast<uint8_t>(trace::WaitKind::kNone);
  slot_.held.clear();
  LookAt(1750);
  LookAt(2000);
  LookAt(2250);
  EXPECT_EQ(asked_, 0);
}

TEST_F(Blocked, ShortSleepsAreNoMatter) {
  LookAt(1000);
  LookAt(1250);
  EXPECT_FALSE(LookAt(1349));
  EXPECT_TRUE(LookAt(1350));
}

TEST_F(Blocked, WhoMovesWhileTheTraceIsReadIsNotTold) {
  LookAt(1000);
  LookAt(1250);
  EXPECT_TRUE(LookAt(1500));
  Sleeps(SYS_read, 2);
  Name();
  EXPECT_THAT(Told(), IsEmpty());
}

TEST_F(Blocked, ALockThatIsGoneFromTheTraceIsStillNamed) {
  LookAt(1000);
  LookAt(1250);
  LookAt(1500);
  Name();
  trace::Process& process = played_.process();
  const uint64_t address = played_.lock("A").address;
  played_.lock("A").born_ns += 1;  // another one has its record by now
  watch_.AddTo(&process);
  ASSERT_THAT(process.events, SizeIs(1));
  EXPECT_NE(process.events[0].lock, played_.locks.at("A"));
  EXPECT_EQ(process.locks[static_cast<size_t>(process.events[0].lock)].address, address);
}

class BlockedWithFileLock : public Blocked {
 protected:
  BlockedWithFileLock() : Blocked("live A=flock 1:+A") {}
};

TEST_F(BlockedWithFileLock, IsSilentAndNotReadAgain) {
  LookAt(1000);
  LookAt(1250);
  EXPECT_TRUE(LookAt(1500));
  Name();
  EXPECT_FALSE(LookAt(1750));
  EXPECT_THAT(Told(), IsEmpty());
}

class BlockedWithAnOlderLock : public Blocked {
 protected:
  BlockedWithAnOlderLock() : Blocked("live B=handoff C=interpreter 1:+A 1:+B 1:+C") {}
};

TEST_F(BlockedWithAnOlderLock, TheNewestThatKeepsOthersOutIsNamed) {
  LookAt(1000);
  LookAt(1250);
  LookAt(1500);
  Name();
  const std::vector<trace::Event> events = Told();
  ASSERT_THAT(events, SizeIs(1));
  EXPECT_EQ(events[0].lock, played_.locks.at("A"));
}

}  // namespace
}  // namespace gordian::cli
