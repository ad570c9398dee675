// unlock-not-held and its like, fork-while-locked.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "tests/analyze/judge.h"

namespace gordian::test {
namespace {

using analyze::Finding;
using analyze::Level;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

// A live run in which thread 2 did something to lock A, and thread 3 stands on the other side.
Played WithEvent(trace::EventKind kind, const std::string& declare = "") {
  Played played = Play("live " + declare + " 1:create(2) 1:create(3) 3:+A 2:+B 2:-B");
  trace::Event event;
  event.kind = kind;
  event.thread = played.threads.at(2);
  event.lock = played.locks.at("A");
  event.other = played.threads.at(3);
  event.stack = 2;
  event.other_stack = 3;
  played.process().events.push_back(event);
  return played;
}

TEST(Misuse, EachKindHasItsRule) {
  const std::vector<std::pair<trace::EventKind, std::string>> expected = {
      {trace::EventKind::kUnlockNotHeld, "unlock-not-held"},
      {trace::EventKind::kUnlockNotOwner, "unlock-not-owner"},
      {trace::EventKind::kDestroyInUse, "destroy-in-use"},
      {trace::EventKind::kUseAfterDestroy, "use-after-destroy"},
      {trace::EventKind::kReinitInUse, "reinit-in-use"},
      {trace::EventKind::kUnmapInUse, "free-in-use"},
      {trace::EventKind::kFrameInUse, "free-in-use"},
  };
  for (const auto& [kind, rule] : expected) {
    const std::vector<Finding> findings = analyze::Analyze(WithEvent(kind).run);
    ASSERT_THAT(findings, SizeIs(1)) << rule;
    EXPECT_EQ(findings[0].rule->id, rule);
    EXPECT_EQ(findings[0].level, Level::kError);
    EXPECT_EQ(findings[0].threads[0].at.stack, 2);
    EXPECT_EQ(findings[0].threads[1].at.stack, 3);
    EXPECT_THAT(findings[0].identity, SizeIs(2));
    EXPECT_THAT(findings[0].title, HasSubstr("{lock:0}"));
  }
}

TEST(Misuse, AConditionAndItsMutex) {
  Played played = WithEvent(trace::EventKind::kConditionMutex);
  trace::Event& event = played.process().events[0];
  event.lock2 = played.locks.at("B");
  std::vector<Finding> findings = analyze::Analyze(played.run);
  ASSERT_THAT(findings, SizeIs(1));
  EXPECT_STREQ(findings[0].rule->id, "condition-mutex");
  EXPECT_THAT(findings[0].title, HasSubstr("with {lock:1}, which it does not hold"));
  EXPECT_THAT(findings[0].locks, SizeIs(2));
  event.value = 1;
  findings = analyze::Analyze(played.run);
  ASSERT_THAT(findings, SizeIs(1));
  EXPECT_THAT(findings[0].title, HasSubstr("while {thread:1} waits on it with another mutex"));
}

TEST(Misuse, WhatFollowsFromADestroyInUseIsNotToldAgain) {
  Played played = WithEvent(trace::EventKind::kDestroyInUse);
  trace::Event popped = played.process().events.back();
  popped.kind = trace::EventKind::kFrameInUse;
  played.process().events.push_back(popped);
  EXPECT_THAT(RulesOf(played.run), ElementsAre("destroy-in-use"));
}

TEST(Misuse, MemoryThatGoesTellsByWhichCall) {
  Played played = WithEvent(trace::EventKind::kUnmapInUse);
  played.process().events[0].text = "munmap";
  EXPECT_EQ(analyze::Analyze(played.run).at(0).title, "{thread:0} unmaps memory in which {lock:0} is in use");
  played.process().events[0].text = "realloc";
  EXPECT_EQ(analyze::Analyze(played.run).at(0).title, "{thread:0} frees memory in which {lock:0} is in use");
}

TEST(Misuse, WhereTheCallerItselfTookTheLockIsAStep) {
  Played played = WithEvent(trace::EventKind::kUnmapInUse);
  played.process().events[0].other = played.process().events[0].thread;
  const Finding finding = analyze::Analyze(played.run).at(0);
  ASSERT_THAT(finding.interleaving, SizeIs(2));
  EXPECT_EQ(finding.interleaving[0].action, "lock");
  EXPECT_THAT(finding.threads, SizeIs(1));
}

TEST(Misuse, BarriersAndSemaphores) {
  const auto title = [](trace::EventKind kind, bool has_lock, bool has_other) {
    Played played = WithEvent(kind);
    played.process().events[0].lock = has_lock ? played.locks.at("A") : trace::kNoIndex;
    played.process().events[0].other = has_other ? played.threads.at(3) : trace::kNoIndex;
    const std::vector<Finding> findings = analyze::Analyze(played.run);
    EXPECT_THAT(findings, SizeIs(1));
    return findings.empty() ? "" : std::string(findings[0].rule->id) + ": " + findings[0].title;
  };
  using trace::EventKind;
  EXPECT_EQ(title(EventKind::kBarrierMisuse, true, true),
            "barrier-misuse: {thread:0} initialises {lock:0} while {thread:1} waits in it");
  EXPECT_EQ(title(EventKind::kBarrierMisuse, true, false),
            "barrier-misuse: {thread:0} initialises a barrier for a number of threads that cannot be");
  EXPECT_EQ(title(EventKind::kSemaphoreMisuse, false, false),
            "semaphore-misuse: {thread:0} initialises a semaphore with more than it can hold");
  EXPECT_EQ(title(EventKind::kSemaphoreMisuse, true, false),
            "semaphore-misuse: {thread:0} posts {lock:0}, which is full");
}

TEST(Misuse, EventsThatAreNoMisuseAreSilent) {
  EXPECT_THAT(RulesOf(WithEvent(trace::EventKind::kKill).run), IsEmpty());
  EXPECT_THAT(RulesOf(WithEvent(trace::EventKind::kUnrecorded).run), IsEmpty());
}

TEST(Misuse, SemaphoresArePostedByAnybody) {
  EXPECT_THAT(RulesOf(WithEvent(trace::EventKind::kUnlockNotHeld, "A=semaphore").run), IsEmpty());
  EXPECT_THAT(RulesOf(WithEvent(trace::EventKind::kUnlockNotOwner, "A=semaphore").run), IsEmpty());
  EXPECT_THAT(RulesOf(WithEvent(trace::EventKind::kDestroyInUse, "A=semaphore").run),
              ElementsAre("destroy-in-use"));
}

TEST(Misuse, AnInterpretersLocksAreSilent) {
  EXPECT_THAT(RulesOf(WithEvent(trace::EventKind::kUnlockNotOwner, "A=interpreter").run), IsEmpty());
}

TEST(Misuse, UseAfterDestroyIsAWarningWhereNoMarkIsKept) {
  const auto level = [](const char* declare) {
    return analyze::Analyze(WithEvent(trace::EventKind::kUseAfterDestroy, declare).run).at(0).level;
  };
  EXPECT_EQ(level("A=spinlock"), Level::kWarning);
  EXPECT_EQ(level("A=rwlock,shared"), Level::kWarning);
  EXPECT_EQ(level("A=recursive"), Level::kError);
  EXPECT_EQ(level("A=rwlock"), Level::kError);
  EXPECT_EQ(level("A=condition"), Level::kError);
  EXPECT_EQ(level("A=semaphore"), Level::kError);
}

TEST(Misuse, OneFindingForEachKindAndPlace) {
  Played played = WithEvent(trace::EventKind::kUnlockNotOwner);
  trace::Event event = played.process().events[0];
  played.process().events.push_back(event);
  event.stack = 3;
  played.process().events.push_back(event);
  event.kind = trace::EventKind::kUnlockNotHeld;
  played.process().events.push_back(event);
  std::vector<uint64_t> counts;
  for (const Finding& finding : analyze::Analyze(played.run)) {
    counts.push_back(finding.count);
  }
  EXPECT_THAT(counts, ElementsAre(1, 2, 1));
}

TEST(Misuse, AnEventWithoutThreadAndLockIsStillTold) {
  Played played = WithEvent(trace::EventKind::kUnlockNotHeld);
  trace::Event& event = played.process().events[0];
  event.thread = event.lock = event.other = event.stack = event.other_stack = trace::kNoIndex;
  EXPECT_THAT(RulesOf(played.run), ElementsAre("unlock-not-held"));
}

constexpr char kForked[] = "1:create(2,detached) 2:+A 1:fork(200) 2:-A ";

TEST(ForkWhileLocked, NamesTheLockAndItsHolder) {
  const std::vector<Finding> findings = analyze::Analyze(Play(kForked).run);
  ASSERT_THAT(findings, SizeIs(1));
  EXPECT_STREQ(findings[0].rule->id, "fork-while-locked");
  EXPECT_EQ(findings[0].level, Level::kWarning);
  ASSERT_THAT(findings[0].threads, SizeIs(2));
  EXPECT_EQ(findings[0].threads[0].role, "forked");
  ASSERT_THAT(findings[0].threads[1].holds, SizeIs(1));
  EXPECT_THAT(findings[0].title, HasSubstr("{thread:1} held {lock:0}"));
}

TEST(ForkWhileLocked, OneFindingForEachPlace) {
  const std::vector<Finding> findings =
      analyze::Analyze(Play("1:create(2,detached) 2:+A 1:fork(200)@1 1:fork(201)@1 2:-A").run);
  ASSERT_THAT(findings, SizeIs(1));
  EXPECT_EQ(findings[0].count, 2U);
}

TEST(ForkWhileLocked, Silent) {
  EXPECT_THAT(RulesOf("1:+A 1:fork(200) 1:-A"), IsEmpty()) << "by the holder";
  EXPECT_THAT(RulesOf("1:create(2,detached) 2:+A 2:-A 1:fork(200)"), IsEmpty());
  EXPECT_THAT(RulesOf("1:create(2,detached) 2:+A 1:spawn(200) 2:-A"), IsEmpty());
  EXPECT_THAT(RulesOf((std::string("A=semaphore ") + kForked).c_str()), IsEmpty());
  EXPECT_THAT(RulesOf((std::string("A=condition ") + kForked).c_str()), IsEmpty());
  EXPECT_THAT(RulesOf((std::string("A=interpreter ") + kForked).c_str()), IsEmpty());
  EXPECT_THAT(RulesOf((std::string("A=shared ") + kForked).c_str()), IsEmpty()) << "not copied by a fork";
  for (const auto flag : {trace::kExecd, trace::kCreateFailed}) {
    Played played = Play(kForked);
    played.process().children[0].flags |= flag;
    EXPECT_THAT(RulesOf(played.run), IsEmpty());
  }
}

TEST(ForkWhileLocked, WaitsUntilTheChildCanNoLongerExec) {
  Played played = Play(std::string("live ") + kForked);
  EXPECT_THAT(RulesOf(played.run), IsEmpty());
  played.process().children[0].flags |= trace::kReaped;
  EXPECT_THAT(RulesOf(played.run), ElementsAre("fork-while-locked"));
}

}  // namespace
}  // namespace gordian::test
