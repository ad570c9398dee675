// blocking-while-locked, long-hold, long-wait: one finding a place, with the longest case.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/analyze/judge.h"

namespace gordian::test {
namespace {

using analyze::Finding;
using testing::IsEmpty;
using testing::SizeIs;

// Thread 1 slept with A held.
Played WithSleep(const std::string& declare = "") {
  Played played = Play("live " + declare + " 1:+A 1:-A 1:+B 1:-B");
  trace::Event event;
  event.kind = trace::EventKind::kBlockedWhileLocked;
  event.thread = 0;
  event.lock = played.locks.at("A");
  event.value = 150'000'000;
  event.stack = 1;
  event.other_stack = 0;
  event.text = "usleep";
  played.process().events.push_back(event);
  return played;
}

TEST(BlockingWhileLocked, ShowsTheLongestOfItsPlace) {
  Played played = WithSleep();
  trace::Event event = played.process().events[0];
  event.value = 12'500'000'000;
  played.process().events.push_back(event);
  event.value = 200'000'000;
  event.count = 5;
  played.process().events.push_back(event);
  const std::vector<Finding> findings = FindingsOf(played.run, "blocking-while-locked");
  ASSERT_THAT(findings, SizeIs(1));
  EXPECT_EQ(findings[0].count, 7U);
  EXPECT_EQ(findings[0].level, analyze::Level::kNote);
  EXPECT_EQ(findings[0].title, "{thread:0} spends 12.5 s in usleep() while it holds {lock:0}");
  ASSERT_THAT(findings[0].threads, SizeIs(1));
  EXPECT_THAT(findings[0].threads[0].holds, SizeIs(1));
}

TEST(BlockingWhileLocked, AnotherPlaceIsAnotherFinding) {
  Played played = WithSleep();
  trace::Event event = played.process().events[0];
  event.stack = 2;
  played.process().events.push_back(event);
  EXPECT_THAT(FindingsOf(played.run, "blocking-while-locked"), SizeIs(2));
}

TEST(BlockingWhileLocked, WhatIsNoLockOfTheProgramIsSilent) {
  EXPECT_THAT(RulesOf(WithSleep("A=semaphore").run), IsEmpty());
  EXPECT_THAT(RulesOf(WithSleep("A=handoff").run), IsEmpty());
  EXPECT_THAT(RulesOf(WithSleep("A=interpreter").run), IsEmpty());
}

// Thread 1 held A, or waited for it.
Played WithDuration(trace::EventKind kind, int64_t milliseconds) {
  Played played = WithSleep();
  played.process().events[0].kind = kind;
  played.process().events[0].value = milliseconds * 1'000'000;
  return played;
}

TEST(LongHold, NamesLockAndTime) {
  const Played played = WithDuration(trace::EventKind::kLongHold, 12'500);
  const std::vector<Finding> findings = FindingsOf(played.run, "long-hold");
  ASSERT_THAT(findings, SizeIs(1));
  EXPECT_EQ(findings[0].level, analyze::Level::kNote);
  EXPECT_EQ(findings[0].title, "{thread:0} holds {lock:0} for 12.5 s");
}

TEST(LongHold, IsNotToldBesideTheCallThatItWentInto) {
  Played played = WithDuration(trace::EventKind::kLongHold, 200);
  trace::Event event = played.process().events[0];
  event.kind = trace::EventKind::kBlockedWhileLocked;
  event.value = 150'000'000;
  event.stack = 2;
  played.process().events.push_back(event);
  EXPECT_THAT(FindingsOf(played.run, "long-hold"), IsEmpty());
  EXPECT_THAT(FindingsOf(played.run, "blocking-while-locked"), SizeIs(1));
  played.process().events[1].value = 50'000'000;  // the smaller part of it
  EXPECT_THAT(FindingsOf(played.run, "long-hold"), SizeIs(1));
  played.process().events[1].value = 150'000'000;
  played.process().events[1].other_stack = 2;  // another acquisition
  EXPECT_THAT(FindingsOf(played.run, "long-hold"), SizeIs(1));
}

TEST(LongWait, NamesLockAndTime) {
  const Played played = WithDuration(trace::EventKind::kLongWait, 30);
  const std::vector<Finding> findings = FindingsOf(played.run, "long-wait");
  ASSERT_THAT(findings, SizeIs(1));
  EXPECT_EQ(findings[0].title, "{thread:0} waits 30 ms for {lock:0}");
}

}  // namespace
}  // namespace gordian::test
