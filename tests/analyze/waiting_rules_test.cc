// blocking-while-locked: one finding a place, with the longest case.
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
  played.process().events.push_back(event);
  const std::vector<Finding> findings = FindingsOf(played.run, "blocking-while-locked");
  ASSERT_THAT(findings, SizeIs(1));
  EXPECT_EQ(findings[0].count, 3U);
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

}  // namespace
}  // namespace gordian::test
