// Patterns of lock order, each with its verdict: what must be found and, as binding, what must not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/analyze/judge.h"

namespace gordian::test {
namespace {

using Cycles = std::vector<std::string>;

struct Pattern {
  const char* name;
  const char* script;
  Cycles cycles;
};

// All threads run at the same time unless a pattern orders them.
constexpr char kFour[] = "1:create(2) 1:create(3) 1:create(4) 1:create(5) ";

const Pattern kPatterns[] = {
    // Defects.
    {"Abba", "2:+A 2:+B 2:-B 2:-A | 3:+B 3:+A 3:-A 3:-B", {"A B"}},
    {"Abbcca", "2:+A 2:+B 2:-B 2:-A | 3:+B 3:+C 3:-C 3:-B | 4:+C 4:+A 4:-A 4:-C", {"A B C"}},
    {"Abcabc", "2:+A 2:+B 2:-B 2:-A | 3:+C 3:+A 3:-A 3:-C | 4:+B 4:+C 4:-C 4:-B", {"A B C"}},
    {"AbbccddaIsOneRingOfFour",
     "2:+A 2:+B 2:-B 2:-A | 3:+B 3:+C 3:-C 3:-B | 4:+C 4:+D 4:-D 4:-C | 5:+D 5:+A 5:-A 5:-D",
     {"A B C D"}},
    {"AbcdbddaLeavesTheBystanderOut",
     "2:+A 2:+B 2:-B 2:-A | 3:+C 3:+D 3:-D 3:-C | 4:+B 4:+D 4:-D 4:-B | 5:+D 5:+A 5:-A 5:-D",
     {"A B D"}},
    {"Abcdbcda",
     "2:+A 2:+B 2:-B 2:-A | 3:+C 3:+D 3:-D 3:-C | 4:+B 4:+C 4:-C 4:-B | 5:+D 5:+A 5:-A 5:-D",
     {"A B C D"}},
    {"MainThreadTakesPart", "1:+A 1:+B 1:-B 1:-A | 2:+B 2:+A 2:-A 2:-B", {"A B"}},
    {"GateReleasedBeforeTheSecondLock",
     "2:+G 2:+A 2:-G 2:+B 2:-B 2:-A | 3:+G 3:+B 3:-G 3:+A 3:-A 3:-B",
     {"A B"}},
    {"GateInOneThreadOnly", "2:+G 2:+A 2:+B 2:-B 2:-A 2:-G | 3:+B 3:+A 3:-A 3:-B", {"A B"}},
    {"GateHeldForReadingByBoth",
     "G=rwlock 2:+G/r 2:+A 2:+B 2:-B 2:-A 2:-G | 3:+G/r 3:+B 3:+A 3:-A 3:-B 3:-G",
     {"A B"}},
    {"ReadThenWriteBothWays", "A=rwlock B=rwlock 2:+A/r 2:+B 2:-B 2:-A | 3:+B/r 3:+A 3:-A 3:-B", {"A B"}},
    {"WriteThenReadBothWays", "A=rwlock B=rwlock 2:+A 2:+B/r 2:-B 2:-A | 3:+B 3:+A/r 3:-A 3:-B", {"A B"}},
    // Where a waiting writer holds new readers up, a reader waits for a reader when a writer comes between.
    {"ReadersAndAWriterBetween",
     "A=writer-rwlock 2:+A/r 2:+B 2:-B 2:-A | 3:+B 3:+A/r 3:-A 3:-B | 4:+A 4:-A",
     {"A B"}},
    {"ReadersOnlyAndAWriterForEach",
     "A=writer-rwlock B=writer-rwlock 2:+A/r 2:+B/r 2:-B 2:-A | 3:+B/r 3:+A/r 3:-A 3:-B | 4:+A 4:-A | 5:+B "
     "5:-B",
     {"A B"}},
    {"TheWriterHoldsSomethingElse",
     "A=writer-rwlock 2:+A/r 2:+B 2:-B 2:-A | 3:+B 3:+A/r 3:-A 3:-B | 4:+X 4:+A 4:-A 4:-X",
     {"A B"}},
    {"OneOfTwoWritersIsUngated",
     "A=writer-rwlock 2:+A/r 2:+B 2:-B 2:-A | 3:+B 3:+A/r 3:-A 3:-B | 4:+B 4:+A 4:-A 4:-B | 5:+A 5:-A",
     {"A B"}},
    {"MutexAndReadLock", "B=rwlock 2:+A 2:+B 2:-B 2:-A | 3:+B/r 3:+A 3:-A 3:-B", {"B A"}},
    {"TryAsTheFirstLock", "2:?A 2:+B 2:-B 2:-A | 3:+B 3:+A 3:-A 3:-B", {"A B"}},
    {"ReacquisitionAfterAConditionWait", "2:+B 2:+A 2:wait(C,B) 2:-A 2:-B | 3:+B 3:+A 3:-A 3:-B", {"B A"}},
    {"AnHourApart", "2:+A 2:+B 2:-B 2:-A 2:end | 3:+B 3:+A 3:-A 3:-B 3:end", {"A B"}},
    {"TwoRings",
     "2:+A 2:+B 2:-B 2:-A 2:+C 2:+D 2:-D 2:-C | 3:+B 3:+A 3:-A 3:-B 3:+D 3:+C 3:-C 3:-D",
     {"A B", "C D"}},
    {"SmallestFirstAndItsEdgesDoNotRepeat",
     "2:+A 2:+B 2:-B 2:-A | 3:+B 3:+A 3:-A 3:-B | 4:+B 4:+C 4:-C 4:-B | 5:+C 5:+A 5:-A 5:-C",
     {"A B", "A B C"}},
    {"ThreeHeldAtOnce", "2:+A 2:+X 2:+Y 2:+B 2:-B 2:-Y 2:-X 2:-A | 3:+B 3:+A 3:-A 3:-B", {"A B"}},
    {"Spinlocks", "A=spinlock B=spinlock 2:+A 2:+B 2:-B 2:-A | 3:+B 3:+A 3:-A 3:-B", {"A B"}},
    {"OneWitnessOfTwoIsUngated",
     "2:+G 2:+A 2:+B 2:-B 2:-A 2:-G 2:+A 2:+B 2:-B 2:-A | 3:+G 3:+B 3:+A 3:-A 3:-B 3:-G",
     {"A B"}},
    {"OneWitnessOfTwoIsInAnotherThread",
     "2:+A 2:+B 2:-B 2:-A 2:+B 2:+A 2:-A 2:-B | 3:+A 3:+B 3:-B 3:-A",
     {"A B"}},

    // Clean.
    {"OneThreadInBothOrders", "2:+A 2:+B 2:-B 2:-A 2:+B 2:+A 2:-A 2:-B", {}},
    {"OneThreadMakesTwoOfThreeSteps", "2:+A 2:+B 2:-B 2:-A 2:+B 2:+C 2:-C 2:-B | 3:+C 3:+A 3:-A 3:-C", {}},
    {"Gated", "2:+G 2:+A 2:+B 2:-B 2:-A 2:-G | 3:+G 3:+B 3:+A 3:-A 3:-B 3:-G", {}},
    {"GatedByAReaderAndAWriter",
     "G=rwlock 2:+G/r 2:+A 2:+B 2:-B 2:-A 2:-G | 3:+G 3:+B 3:+A 3:-A 3:-B 3:-G",
     {}},
    {"GatedByATryLock", "2:?G 2:+A 2:+B 2:-B 2:-A 2:-G | 3:?G 3:+B 3:+A 3:-A 3:-B 3:-G", {}},
    {"GatedByAnInterpretersLock",
     "G=interpreter 2:+G 2:+A 2:+B 2:-B 2:-A 2:-G | 3:+G 3:+B 3:+A 3:-A 3:-B 3:-G",
     {}},
    {"TwoOfThreeGated",
     "2:+G 2:+A 2:+B 2:-B 2:-A 2:-G | 3:+B 3:+C 3:-C 3:-B | 4:+G 4:+C 4:+A 4:-A 4:-C 4:-G",
     {}},
    {"AReleasedBeforeC", "2:+A 2:+B 2:-A 2:+C 2:-C 2:-B | 3:+C 3:+A 3:-A 3:-C", {}},
    {"TryAsTheSecondLock", "2:+A 2:?B 2:-B 2:-A | 3:+B 3:+A 3:-A 3:-B", {}},
    {"TimedAsTheSecondLock", "2:+A 2:~B 2:-B 2:-A | 3:+B 3:+A 3:-A 3:-B", {}},
    {"ReadersOnly", "A=rwlock B=rwlock 2:+A/r 2:+B/r 2:-B 2:-A | 3:+B/r 3:+A/r 3:-A 3:-B", {}},
    {"OneOfTheWaitsIsReadAgainstRead", "A=rwlock B=rwlock 2:+A 2:+B/r 2:-B 2:-A | 3:+B/r 3:+A 3:-A 3:-B", {}},
    {"ReadersAndAWriterThatHoldsNobodyUp",
     "A=rwlock 2:+A/r 2:+B 2:-B 2:-A | 3:+B 3:+A/r 3:-A 3:-B | 4:+A 4:-A",
     {}},
    {"ReadersWithoutAWriter", "A=writer-rwlock 2:+A/r 2:+B 2:-B 2:-A | 3:+B 3:+A/r 3:-A 3:-B", {}},
    {"TheWriterIsOneOfTheReaders",
     "A=writer-rwlock 2:+A/r 2:+B 2:-B 2:-A | 3:+B 3:+A/r 3:-A 3:-B 3:+A 3:-A",
     {}},
    {"OneWriterForTwoLocks",
     "A=writer-rwlock B=writer-rwlock 2:+A/r 2:+B/r 2:-B 2:-A | 3:+B/r 3:+A/r 3:-A 3:-B | 4:+A 4:-A 4:+B "
     "4:-B",
     {}},
    {"TheWriterTriesOnly", "A=writer-rwlock 2:+A/r 2:+B 2:-B 2:-A | 3:+B 3:+A/r 3:-A 3:-B | 4:?A 4:-A", {}},
    {"TheWriterIsGated",
     "A=writer-rwlock 2:+G/r 2:+A/r 2:+B 2:-B 2:-A 2:-G | 3:+B 3:+A/r 3:-A 3:-B | 4:+G 4:+A 4:-A 4:-G",
     {}},
    {"ASecondReadOrdersNothing",
     "A=writer-rwlock 2:+A/r 2:+B 2:+A/r 2:-A 2:-B 2:-A | 3:+A/r 3:+B 3:-B 3:-A | 4:+A 4:-A",
     {}},
    {"HandOverHand", "2:+A 2:+B 2:-A 2:+C 2:-B 2:-C | 3:+A 3:+B 3:-A 3:+C 3:-B 3:-C", {}},
    {"Recursive", "A=recursive 2:+A 2:+B 2:+A 2:-A 2:-B 2:-A | 3:+A 3:+B 3:-B 3:-A", {}},
    {"HandOffLocksAreSignals", "A=handoff 2:+A 2:+B 2:-B 2:-A | 3:+B 3:+A 3:-A 3:-B", {}},
    {"Semaphores", "A=semaphore 2:+A 2:+B 2:-B 2:-A | 3:+B 3:+A 3:-A 3:-B", {}},
    {"AnInterpretersLock", "A=interpreter 2:+A 2:+B 2:-B 2:-A | 3:+B 3:+A 3:-A 3:-B", {}},
};

class LockOrderPattern : public testing::TestWithParam<Pattern> {};

TEST_P(LockOrderPattern, HasItsVerdict) {
  EXPECT_EQ(CyclesOf(Play(std::string(kFour) + GetParam().script)), GetParam().cycles);
}

INSTANTIATE_TEST_SUITE_P(All, LockOrderPattern, testing::ValuesIn(kPatterns),
                         [](const auto& param) { return param.param.name; });

// Patterns that create and join their threads themselves.
const Pattern kOrderedPatterns[] = {
    {"CreateOrders", "1:+A 1:+B 1:-B 1:-A 1:create(2) 2:+B 2:+A 2:-A 2:-B", {}},
    {"CreateDoesNotOrderWhatFollows", "1:create(2) 1:+A 1:+B 1:-B 1:-A | 2:+B 2:+A 2:-A 2:-B", {"A B"}},
    {"JoinOrders", "1:create(2) 2:+B 2:+A 2:-A 2:-B 2:end 1:join(2) 1:+A 1:+B 1:-B 1:-A", {}},
    {"TheWriterComesAfterTheJoin",
     "A=writer-rwlock 1:create(2) 1:create(3) 2:+A/r 2:+B 2:-B 2:-A 2:end 3:+B 3:+A/r 3:-A 3:-B 3:end "
     "1:join(2) 1:join(3) 1:+A 1:-A",
     {}},
    {"OneThreadAfterTheOther",
     "1:create(2) 2:+A 2:+B 2:-B 2:-A 2:end 1:join(2) 1:create(3) 3:+B 3:+A 3:-A 3:-B 3:end 1:join(3)",
     {}},
    {"SeenOrderedAndUnordered",
     "1:+A@1 1:+B@2 1:-B 1:-A 1:create(2) 1:+A@1 1:+B@2 1:-B 1:-A | 2:+B 2:+A 2:-A 2:-B",
     {"A B"}},
    {"GrandchildAfterAJoin",
     "1:create(2) 2:+A 2:+B 2:-B 2:-A 2:end 1:join(2) 1:create(3) 3:create(4) 4:+B 4:+A 4:-A 4:-B",
     {}},
    {"JoinedByAnother",
     "1:create(2) 1:create(3) 2:+A 2:+B 2:-B 2:-A 2:end 3:join(2) 3:create(4) 4:+B 4:+A 4:-A 4:-B",
     {}},
    {"JoinedByAnotherTooLate",
     "1:create(2) 1:create(3) 2:+A 2:+B 2:-B 2:-A 3:create(4) 4:+B 4:+A 4:-A 4:-B 2:end 3:join(2)",
     {"A B"}},
    // The creator holds G from before the creates until after the joins.
    {"SiblingsUnderOneInheritedGate",
     "1:+G 1:create(2) 1:create(3) 2:+A 2:+B 2:-B 2:-A 2:end 3:+B 3:+A 3:-A 3:-B 3:end 1:join(2) 1:join(3) "
     "1:-G",
     {"A B"}},
    {"InheritedGateAgainstTheSameLock",
     "1:create(4) 1:+G 1:create(2) 2:+A 2:+B 2:-B 2:-A 2:end 1:join(2) 1:-G | 4:+G 4:+B 4:+A 4:-A 4:-B 4:-G",
     {}},
    {"InheritedGateGivenUpBeforeTheJoin",
     "1:create(4) 1:+G 1:create(2) 1:-G 2:+A 2:+B 2:-B 2:-A 2:end 1:join(2) | 4:+G 4:+B 4:+A 4:-A 4:-B 4:-G",
     {"A B"}},
    {"InheritedGateGivenUpBetween",
     "1:create(4) 1:+G 1:create(2) 1:-G 1:+G 2:+A 2:+B 2:-B 2:-A 2:end 1:join(2) 1:-G | 4:+G 4:+B 4:+A 4:-A "
     "4:-B "
     "4:-G",
     {"A B"}},
    {"InheritedGateJoinedByAnother",
     "1:create(4) 1:create(5) 1:+G 1:create(2) 2:+A 2:+B 2:-B 2:-A 2:end 5:join(2) 1:-G | 4:+G 4:+B 4:+A "
     "4:-A 4:-B "
     "4:-G",
     {"A B"}},
    {"InheritedGateOverTwoGenerations",
     "1:create(4) 1:+G 1:create(2) 2:create(3) 3:+A 3:+B 3:-B 3:-A 3:end 2:join(3) 2:end 1:join(2) 1:-G | "
     "4:+G 4:+B 4:+A 4:-A 4:-B 4:-G",
     {}},
    {"GrandchildOutlivesTheGate",
     "1:create(4) 1:+G 1:create(2) 2:create(3) 2:end 1:join(2) 1:-G 3:+A 3:+B 3:-B 3:-A | 4:+G 4:+B 4:+A "
     "4:-A 4:-B "
     "4:-G",
     {"A B"}},
    {"CreatorAgainstItsChildUnderTheGate",
     "1:+G 1:create(2) 1:+A 1:+B 1:-B 1:-A 2:+B 2:+A 2:-A 2:-B 2:end 1:join(2) 1:-G",
     {"A B"}},
    {"TwoFamiliesUnderOneGate",
     "1:create(4) 1:+G 1:create(2) 2:+A 2:+B 2:-B 2:-A 2:end 1:join(2) 1:-G | "
     "4:+G 4:create(5) 5:+B 5:+A 5:-A 5:-B 5:end 4:join(5) 4:-G",
     {}},
};

class LockOrderOrdered : public testing::TestWithParam<Pattern> {};

TEST_P(LockOrderOrdered, HasItsVerdict) { EXPECT_EQ(CyclesOf(Play(GetParam().script)), GetParam().cycles); }

INSTANTIATE_TEST_SUITE_P(All, LockOrderOrdered, testing::ValuesIn(kOrderedPatterns),
                         [](const auto& param) { return param.param.name; });

// Joins under a lock: the end of a thread is something that it holds until then.
const Pattern kJoinPatterns[] = {
    {"JoinsTheThreadThatNeedsTheLock", "1:create(2) 2:+A 2:-A 2:end 1:+A 1:join(2) 1:-A", {"A end(2)"}},
    {"WhichTakesItWhileHoldingAnother",
     "1:create(2) 2:+B 2:+A 2:-A 2:-B 2:end 1:+A 1:join(2) 1:-A",
     {"A end(2)"}},
    {"JoinsOneThatJoinsTheOneThatNeedsTheLock",
     "1:create(2) 2:create(3) 3:+A 3:-A 3:end 2:join(3) 2:end 1:+A 1:join(2) 1:-A",
     {"A end(2) end(3)"}},
    {"JoinsOneThatNeedsALockWhoseHolderNeedsTheFirst",
     "1:create(2) 1:create(3) 2:+B 2:-B 2:end 3:+B 3:+A 3:-A 3:-B 1:+A 1:join(2) 1:-A",
     {"B A end(2)"}},
    {"JoinedByAnotherThanItsCreator",
     "1:create(2) 1:create(3) 2:+A 2:-A 2:end 3:+A 3:join(2) 3:-A",
     {"A end(2)"}},
    {"CreatedUnderAnEarlierAcquisition",
     "1:+A 1:create(2) 1:-A 2:+A 2:-A 2:end 1:+A 1:join(2) 1:-A",
     {"A end(2)"}},
    {"ReadsWhatTheJoinerWrites", "A=rwlock 1:create(2) 2:+A/r 2:-A 2:end 1:+A 1:join(2) 1:-A", {"A end(2)"}},
    {"WaitedForSomethingElseBeforeTheThreadWasThere",
     "1:passes 1:create(2) 2:+A 2:-A 2:end 1:+A 1:join(2) 1:-A",
     {"A end(2)"}},
    {"WhatTheThreadItselfPassesOrdersNothing",
     "1:create(2) 2:+A 2:-A 2:passes 2:end 1:+A 1:join(2) 1:-A",
     {"A end(2)"}},
    {"TwoThreadsJoinedUnderTheLock",
     "1:create(2) 1:create(3) 2:+A 2:-A 2:end 3:+A 3:-A 3:end 1:+A 1:join(2) 1:join(3) 1:-A",
     {"A end(2)", "A end(3)"}},
    {"AGateThatBothTakeIsTheLockItself",
     "1:create(2) 2:+G 2:+A 2:-A 2:-G 2:end 1:+G 1:+A 1:join(2) 1:-A 1:-G",
     {"G end(2)"}},

    {"ReleasedBeforeTheJoin", "1:create(2) 2:+A 2:-A 2:end 1:+A 1:-A 1:join(2)", {}},
    {"AnotherLock", "1:create(2) 2:+A 2:-A 2:end 1:+B 1:join(2) 1:-B", {}},
    {"TheJoinHasATimeout", "1:create(2) 2:+A 2:-A 2:end 1:+A 1:timedjoin(2) 1:-A", {}},
    {"TheThreadOnlyTries", "1:create(2) 2:?A 2:-A 2:end 1:+A 1:join(2) 1:-A", {}},
    {"TheJoinerPassedAWaitBefore", "1:create(2) 2:+A 2:-A 2:end 1:passes 1:+A 1:join(2) 1:-A", {}},
    {"TheJoinerPassedAConditionBefore",
     "1:create(2) 2:+A 2:-A 2:end 1:+M 1:wait(C,M) 1:-M 1:+A 1:join(2) 1:-A",
     {}},
    {"TheMiddleJoinWasPreparedByAWait",
     "1:create(2) 2:create(3) 3:+A 3:-A 3:end 2:passes 2:join(3) 2:end 1:+A 1:join(2) 1:-A",
     {}},
    {"AnEarlierJoinOrdersTheUse",
     "1:create(2) 2:+A 2:-A 2:create(3) 3:end 1:join(3) 2:end 1:+A 1:join(2) 1:-A",
     {}},
    {"BothRead", "A=rwlock 1:create(2) 2:+A/r 2:-A 2:end 1:+A/r 1:join(2) 1:-A", {}},
    {"HeldSinceBeforeTheThreadWasThere", "1:+A 1:create(2) 2:+A 2:-A 2:end 1:join(2) 1:-A", {}},
    {"HeldSinceBeforeTheThreadThatItCreated",
     "1:+A 1:create(2) 2:create(3) 3:+A 3:-A 3:end 2:join(3) 2:end 1:join(2) 1:-A",
     {}},
    {"AHandOffLock", "A=handoff 1:create(2) 2:+A 2:-A 2:end 1:+A 1:join(2) 1:-A", {}},
};

class JoinOrder : public testing::TestWithParam<Pattern> {};

TEST_P(JoinOrder, HasItsVerdict) { EXPECT_EQ(CyclesOf(Play(GetParam().script)), GetParam().cycles); }

INSTANTIATE_TEST_SUITE_P(All, JoinOrder, testing::ValuesIn(kJoinPatterns),
                         [](const auto& param) { return param.param.name; });

TEST(LockOrder, ThreeHundredLocksHeldAtOnce) {
  std::string script = kFour;
  for (int lock = 0; lock < 300; ++lock) {
    script += "2:+L" + std::to_string(lock) + " ";
  }
  EXPECT_EQ(CyclesOf(Play(script)), Cycles{});
  EXPECT_EQ(CyclesOf(Play(script + "3:+L299 3:+L0")), Cycles{"L0 L299"});
}

TEST(LockOrder, AddressReuseMakesNewLocks) {
  // Two lifetimes at one address are two locks of the run.
  Played played = Play(std::string(kFour) + "2:+A 2:+B 2:-B 2:-A | 3:+B2 3:+A2 3:-A2 3:-B2");
  played.lock("A2").address = played.lock("A").address;
  played.lock("B2").address = played.lock("B").address;
  EXPECT_EQ(CyclesOf(played), Cycles{});
}

TEST(LockOrder, SaysWhatWasPrunedAndWhy) {
  const auto reason = [](const std::string& script) {
    const std::vector<analyze::PrunedPath> pruned =
        analyze::FindLockOrderCycles(analyze::OrderView(Play(script).process())).pruned;
    return pruned.empty() ? "" : pruned.front().predicate;
  };
  EXPECT_EQ(reason(std::string(kFour) + "2:+A 2:+B 2:-B 2:-A 2:+B 2:+A"), analyze::kDistinctThreads);
  EXPECT_EQ(reason(std::string(kFour) + "2:+G 2:+A 2:+B | 3:+G 3:+B 3:+A"), analyze::kNoCommonGate);
  EXPECT_EQ(reason(std::string(kFour) + "A=rwlock B=rwlock 2:+A/r 2:+B/r | 3:+B/r 3:+A/r"),
            analyze::kModesConflict);
  EXPECT_EQ(reason("1:+A 1:+B 1:-B 1:-A 1:create(2) 2:+B 2:+A"), analyze::kMayOverlap);
}

TEST(LockOrder, AFoldedDependencyCountsOnlyWhereItWasSeenItself) {
  Played played = Play("1:+A 1:+B 1:-B 1:-A 1:create(2) 2:+B 2:+A 2:-A 2:-B");
  trace::Dependency& nested = played.process().dependencies[1];
  ASSERT_EQ(nested.lock, played.locks.at("B"));
  nested.segments.push_back(1);  // some other instances, after the create
  EXPECT_EQ(CyclesOf(played), Cycles{"A B"});
  nested.flags |= trace::kFolded;
  EXPECT_EQ(CyclesOf(played), Cycles{});
}

TEST(LockOrder, ASearchThatRunsOutOfStepsSaysSo) {
  std::string script;
  for (int thread = 2; thread < 12; ++thread) {
    script += "1:create(" + std::to_string(thread) + ") ";
  }
  for (int thread = 2; thread < 12; ++thread) {
    for (int lock = 0; lock < 10; ++lock) {
      const std::string first = "L" + std::to_string((lock * 7 + thread) % 10);
      const std::string second = "L" + std::to_string((lock * 3 + thread * 5 + 1) % 10);
      if (first != second) {
        const std::string who = absl::StrCat(thread, ":");
        absl::StrAppend(&script, who, "+", first, " ", who, "+", second, " ");
        absl::StrAppend(&script, who, "-", second, " ", who, "-", first, " ");
      }
    }
  }
  const Played played = Play(script);
  analyze::SearchLimits tight;
  tight.steps_per_component = 30;
  EXPECT_FALSE(analyze::FindLockOrderCycles(analyze::OrderView(played.process()), tight).complete);
  const analyze::CycleSearchResult full = analyze::FindLockOrderCycles(analyze::OrderView(played.process()));
  EXPECT_TRUE(full.complete);
  EXPECT_FALSE(full.cycles.empty());
}

}  // namespace
}  // namespace gordian::test
