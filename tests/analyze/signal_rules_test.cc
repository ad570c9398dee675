// lock-in-signal-handler: who takes which lock in a handler, and who could be interrupted while holding it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <string>
#include <vector>

#include "tests/analyze/judge.h"

namespace gordian::test {
namespace {

using analyze::Finding;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr uint64_t Bit(int signal) { return uint64_t{1} << (signal - 1); }

// Thread 1 takes A with SIGHUP open; then `thread` takes it in a handler of it.
Played WithHandler(const std::string& declare = "", int thread = 1) {
  const std::string number = std::to_string(thread);
  Played played = Play("live " + declare + " 1:create(2) 1:+A 1:-A | " + number + ":+A " + number + ":-A");
  std::vector<trace::Dependency>& dependencies = played.process().dependencies;
  EXPECT_THAT(dependencies, SizeIs(2));
  dependencies[0].signals = Bit(SIGHUP) | Bit(SIGTERM);
  dependencies[1].signals = Bit(SIGHUP);
  dependencies[1].flags |= trace::kInHandler;
  return played;
}

TEST(LockInSignalHandler, OfOneThreadIsAnError) {
  const std::vector<Finding> findings = FindingsOf(WithHandler().run, "lock-in-signal-handler");
  ASSERT_THAT(findings, SizeIs(1));
  EXPECT_EQ(findings[0].level, analyze::Level::kError);
  EXPECT_EQ(findings[0].title,
            "The handler of SIGHUP takes {lock:0}, which the code that it interrupts can hold");
  EXPECT_THAT(findings[0].threads, SizeIs(1));
}

TEST(LockInSignalHandler, OfAnotherThreadIsAWarning) {
  const std::vector<Finding> findings = FindingsOf(WithHandler("", 2).run, "lock-in-signal-handler");
  ASSERT_THAT(findings, SizeIs(1));
  EXPECT_EQ(findings[0].level, analyze::Level::kWarning);
  EXPECT_THAT(findings[0].threads, SizeIs(2));
}

TEST(LockInSignalHandler, ThatMayBeForSeveralSignalsNeedsAllOfThemOpen) {
  Played played = WithHandler();
  played.process().dependencies[1].signals = Bit(SIGHUP) | Bit(SIGTERM);
  const std::vector<Finding> findings = FindingsOf(played.run, "lock-in-signal-handler");
  ASSERT_THAT(findings, SizeIs(1));
  EXPECT_EQ(findings[0].title,
            "The handler of SIGHUP or SIGTERM takes {lock:0}, which the code that it interrupts can hold");
  played.process().dependencies[0].signals = Bit(SIGHUP);
  EXPECT_THAT(RulesOf(played.run), IsEmpty());
}

TEST(LockInSignalHandler, IsSilentWhereTheSignalIsBlocked) {
  Played played = WithHandler();
  played.process().dependencies[0].signals = Bit(SIGTERM);
  EXPECT_THAT(RulesOf(played.run), IsEmpty());
}

TEST(LockInSignalHandler, IsSilentForLocksThatLetTheirHolderInOrBelongToNobody) {
  for (const char* kind : {"recursive", "errorcheck", "semaphore", "handoff", "interpreter", "rwlock"}) {
    EXPECT_THAT(RulesOf(WithHandler(std::string("A=") + kind).run), IsEmpty()) << kind;
  }
}

TEST(LockInSignalHandler, AWriterInAHandlerWaitsForTheReaderOutside) {
  Played played = WithHandler("A=rwlock");
  played.process().dependencies[0].mode = trace::Mode::kShared;
  EXPECT_THAT(RulesOf(played.run), ElementsAre("lock-in-signal-handler"));
  played.process().dependencies[1].mode = trace::Mode::kShared;
  EXPECT_THAT(RulesOf(played.run), IsEmpty());
}

}  // namespace
}  // namespace gordian::test
