#include "libsync/analyze/wait_for_graph.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/analyze/judge.h"
#include "tests/support/event_script.h"

namespace gordian::test {
namespace {

using analyze::Need;
using analyze::Stall;
using testing::ElementsAre;
using testing::IsEmpty;

// "2 3" for a cycle of threads 2 and 3, "A: 2" for thread 2 waiting for the abandoned A, then " < 4" for who
// is behind.
std::vector<std::string> Stalls(const std::string& script) {
  const Played played = Play("live 1:create(2) 1:create(3) 1:create(4) 1:create(5) " + script);
  const auto number = [&played](const analyze::ThreadRef& ref) {
    for (const auto& [name, index] : played.threads) {
      if (index == ref.thread) {
        return std::to_string(name);
      }
    }
    return std::string("?");
  };
  std::vector<std::string> result;
  for (const Stall& stall : analyze::FindStalls(played.run)) {
    std::string text;
    for (const auto& [name, index] : played.locks) {
      text += index == stall.lock ? name + ":" : "";
    }
    for (const analyze::ThreadRef& thread : stall.threads) {
      text += (text.empty() ? "" : " ") + number(thread);
    }
    text += stall.behind.empty() ? "" : " <";
    for (const analyze::ThreadRef& thread : stall.behind) {
      text += " " + number(thread);
    }
    result.push_back(text);
  }
  return result;
}

TEST(WaitForGraph, TwoThreadsThatWaitForEachOther) {
  EXPECT_THAT(Stalls("2:+A 3:+B 2:!B 3:!A"), ElementsAre("2 3"));
}

TEST(WaitForGraph, ARingOfFour) {
  EXPECT_THAT(Stalls("2:+A 3:+B 4:+C 5:+D 2:!B 3:!C 4:!D 5:!A"), ElementsAre("2 3 4 5"));
}

TEST(WaitForGraph, TwoRingsAtOnce) {
  EXPECT_THAT(Stalls("2:+A 3:+B 4:+C 5:+D 2:!B 3:!A 4:!D 5:!C"), ElementsAre("2 3", "4 5"));
}

TEST(WaitForGraph, WhoeverWaitsForARingIsBehindIt) {
  EXPECT_THAT(Stalls("2:+A 3:+B 4:+C 2:!B 3:!A 4:!A 5:!C 1:!join(5)"), ElementsAre("2 3 < 4 5 1"));
}

TEST(WaitForGraph, AChainThatEndsInARunningThreadIsNoStall) {
  EXPECT_THAT(Stalls("2:+A 3:+B 2:!B 4:!A"), IsEmpty());
}

TEST(WaitForGraph, AThreadThatMovedBetweenTwoLooksIsNotStuck) {
  EXPECT_THAT(Stalls("2:+A 3:+B 2:!B 3:!A 3:moving"), IsEmpty());
}

TEST(WaitForGraph, ATimedWaitEndsByItself) { EXPECT_THAT(Stalls("2:+A 3:+B 2:!B 3:!~A"), IsEmpty()); }

TEST(WaitForGraph, JoinsTheThreadThatNeedsItsLock) {
  EXPECT_THAT(Stalls("1:+A 2:!A 1:!join(2)"), ElementsAre("1 2"));
}

TEST(WaitForGraph, JoinsEachOther) { EXPECT_THAT(Stalls("2:!join(3) 3:!join(2)"), ElementsAre("2 3")); }

TEST(WaitForGraph, JoinOfAnEndedThreadReturns) {
  EXPECT_THAT(Stalls("1:+A 2:end 1:!join(2) 3:!A"), IsEmpty());
}

TEST(WaitForGraph, OnItself) {
  EXPECT_THAT(Stalls("2:+A 2:!A"), ElementsAre("2"));
  EXPECT_THAT(Stalls("2:!join(2)"), ElementsAre("2"));
  EXPECT_THAT(Stalls("A=rwlock 2:+A/r 2:!A"), ElementsAre("2"));
}

TEST(WaitForGraph, KindsThatAnswerInsteadOfHanging) {
  EXPECT_THAT(Stalls("A=recursive 2:+A 2:!A"), IsEmpty());
  EXPECT_THAT(Stalls("A=errorcheck 2:+A 2:!A"), IsEmpty());
}

TEST(WaitForGraph, WhatAnybodyCanReleaseIsNoStall) {
  EXPECT_THAT(Stalls("A=semaphore 2:+A 2:!A"), IsEmpty());
  EXPECT_THAT(Stalls("A=handoff 2:+A 3:+B 2:!B 3:!A"), IsEmpty());
  EXPECT_THAT(Stalls("2:+A 2:!wait(C,A)"), IsEmpty());
}

TEST(WaitForGraph, ASemaphoreThatItsHolderPostsIsALock) {
  EXPECT_THAT(Stalls("A=semaphore,locklike 2:+A 3:+B 2:!B 3:!A"), ElementsAre("2 3"));
  EXPECT_THAT(Stalls("A=semaphore 2:+A 3:+B 2:!B 3:!A"), IsEmpty());
  EXPECT_THAT(Stalls("A=semaphore,locklike,handoff 2:+A 3:+B 2:!B 3:!A"), IsEmpty());
  // Who waits for it twice waits for somebody else.
  EXPECT_THAT(Stalls("A=semaphore,locklike 2:+A 2:!A"), IsEmpty());
  EXPECT_THAT(Stalls("A=semaphore,locklike 2:+A 3:+B 2:!A 3:!A 4:!B"), IsEmpty());
}

TEST(WaitForGraph, OnceFlagsSpinlocksAndStreams) {
  EXPECT_THAT(Stalls("A=once 2:+A 3:+B 2:!B 3:!A"), ElementsAre("2 3"));
  EXPECT_THAT(Stalls("A=once 2:+A 2:!A"), ElementsAre("2"));
  EXPECT_THAT(Stalls("A=spinlock B=spinlock 2:+A 3:+B 2:!B 3:!A"), ElementsAre("2 3"));
  EXPECT_THAT(Stalls("A=stream 2:+A 3:+B 2:!B 3:!A"), ElementsAre("2 3"));
}

TEST(WaitForGraph, ABarrierIsNobodys) { EXPECT_THAT(Stalls("B=barrier 2:+A 2:!barrier(B) 3:!A"), IsEmpty()); }

TEST(WaitForGraph, ReadersWaitForTheWriterOnly) {
  EXPECT_THAT(Stalls("A=rwlock 2:+A 3:+B 2:!B 3:!A/r"), ElementsAre("2 3"));
  EXPECT_THAT(Stalls("A=rwlock 2:+A/r 3:+B 2:!B 3:!A/r"), IsEmpty());
}

TEST(WaitForGraph, AWriterWaitsForEveryReader) {
  // Thread 4 reads too and runs, but thread 2 never lets go.
  EXPECT_THAT(Stalls("A=rwlock 2:+A/r 4:+A/r 3:+B 2:!B 3:!A"), ElementsAre("2 3"));
}

TEST(WaitForGraph, AllReadersMustLetAWriterIn) {
  // Both readers wait for what the writer holds: each is in a cycle with it, and one is told.
  EXPECT_THAT(Stalls("A=rwlock 2:+A/r 4:+A/r 3:+B 2:!B 4:!B 3:!A"), ElementsAre("2 3 < 4"));
  // Who read twice and let go once reads still.
  EXPECT_THAT(Stalls("A=rwlock 2:+A/r 2:+A/r 2:-A 3:+B 2:!B 3:!A"), ElementsAre("2 3"));
}

TEST(WaitForGraph, ASecondReadBehindAWriter) {
  EXPECT_THAT(Stalls("A=writer-rwlock 2:+A/r 3:!A 2:!A/r"), ElementsAre("2 3"));
  EXPECT_THAT(Stalls("A=writer-rwlock 2:+A/r 3:!~A 2:!A/r"), IsEmpty());
}

TEST(WaitForGraph, AReaderBehindAQueuedWriter) {
  // 2 holds A for reading and waits for B; 4 wants to write A; 3, which holds B, reads A and queues behind 4.
  EXPECT_THAT(Stalls("A=rwlock 2:+A/r 3:+B 2:!B 4:!A 3:!A/r"), ElementsAre("2 3 4"));
}

TEST(WaitForGraph, AConditionWaitThatIsPastItsConditionQueuesForItsMutex) {
  EXPECT_THAT(Stalls("2:+A 2:+M 2:!rewait(C,M) 3:+M 3:!A"), ElementsAre("2 3"));
  EXPECT_THAT(Stalls("2:+A 2:+M 2:!wait(C,M) 3:+M 3:!A"), IsEmpty());
}

TEST(WaitForGraph, AbandonedByAThreadThatEnded) {
  EXPECT_THAT(Stalls("2:+A 2:end 3:!A 4:!A"), ElementsAre("A: 3 4"));
  EXPECT_THAT(Stalls("2:+A 2:gone 3:+B 3:!A 4:!B"), ElementsAre("A: 3 < 4"));
}

TEST(WaitForGraph, RobustMutexesTellTheNextOwner) {
  EXPECT_THAT(Stalls("A=robust 2:+A 2:end 3:!A"), IsEmpty());
}

TEST(WaitForGraph, LockedAtTheForkByAThreadThatTheChildLacks) {
  EXPECT_THAT(Stalls("A=inherited:77 1:!A"), ElementsAre("A: 1"));
  EXPECT_THAT(Stalls("A=inherited:0 1:!A"), IsEmpty());
  EXPECT_THAT(Stalls("A=inherited:77 2:+A 1:!A"), IsEmpty());
  EXPECT_THAT(Stalls("A=inherited:77,shared 1:!A"), IsEmpty());
}

TEST(WaitForGraph, OfAKnotTheSmallestCycleIsTold) {
  // 2 waits for the readers 3 and 4; 3 waits for 2 directly, 4 by way of 5.
  EXPECT_THAT(Stalls("A=rwlock 3:+A/r 4:+A/r 2:+B 5:+C 2:!A 3:!B 4:!C 5:!B"), ElementsAre("2 3 < 5 4"));
}

// Processes whose threads wait as the numbers say: for any thread of those processes of the run; -1 runs.
trace::Run RunOf(const std::vector<std::vector<std::vector<trace::Index>>>& processes) {
  trace::Run run;
  for (const auto& threads : processes) {
    trace::Process process;
    for (const std::vector<trace::Index>& releasers : threads) {
      trace::Thread thread;
      if (releasers != std::vector<trace::Index>{-1}) {
        thread.settled = true;
        thread.wait.kind = trace::WaitKind::kCall;
        thread.wait.releasers = releasers;
      }
      process.threads.push_back(thread);
    }
    run.processes.push_back(process);
  }
  return run;
}

size_t Standing(const trace::Run& run) {
  const auto found = analyze::FindStalls(run);
  return found.size() == 1 ? found.front().threads.size() + 100 * found.front().behind.size()
                           : 1000 * found.size();
}

TEST(Standstills, AllThreadsOfAProcessWaitForEachOther) {
  EXPECT_EQ(Standing(RunOf({{{0}, {0}, {0}}})), 3U);
  EXPECT_EQ(Standing(RunOf({{{0}}})), 1U);
  EXPECT_EQ(Standing(RunOf({{{0}, {-1}, {0}}})), 0U);
}

TEST(Standstills, WhatSomebodyOutsideCanEndIsNone) { EXPECT_EQ(Standing(RunOf({{{0}, {}}})), 0U); }

TEST(Standstills, ProcessesThatWaitForEachOther) {
  EXPECT_EQ(Standing(RunOf({{{1}}, {{0}}})), 2U);
  EXPECT_EQ(Standing(RunOf({{{1}}, {{0}, {-1}}})), 0U);
  EXPECT_EQ(Standing(RunOf({{{1}}, {{2}}, {{0}}, {{0}}})), 103U);
  EXPECT_EQ(Standing(RunOf({{{1, 2}}, {{0}}, {{-1}}})), 0U);
  EXPECT_EQ(Standing(RunOf({{{1}}, {{0}}, {{3}}, {{2}}})), 2000U);
}

TEST(Standstills, AHandlerOfASignalMakesItAWarning) {
  trace::Run run = RunOf({{{0}, {0}}});
  run.processes[0].caught_signals = 1;
  ASSERT_EQ(Standing(run), 2U);
  EXPECT_FALSE(analyze::FindStalls(run).front().certain);
  EXPECT_FALSE(analyze::StuckThreads(run)[0][0]);
  run.processes[0].caught_signals = 0;
  EXPECT_TRUE(analyze::FindStalls(run).front().certain);
  EXPECT_TRUE(analyze::StuckThreads(run)[0][0]);
}

TEST(Standstills, MemoryWithANameMakesItAWarning) {
  trace::Run run = RunOf({{{0}, {0}}});
  run.processes[0].threads[0].wait.named = true;
  ASSERT_EQ(Standing(run), 2U);
  EXPECT_FALSE(analyze::FindStalls(run).front().certain);
  EXPECT_FALSE(analyze::StuckThreads(run)[0][0]);
}

TEST(Standstills, ACycleOfLocksInOneProcessIsToldByItself) {
  Played played = Play("live 1:create(2) 1:create(3) 2:+A 3:+B 2:!B 3:!A");
  trace::Thread& main = played.thread(1);
  main.settled = true;
  main.wait.kind = trace::WaitKind::kCall;
  main.wait.releasers = {0};
  const auto found = analyze::FindStalls(played.run);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found.front().kind, Stall::Kind::kCycle);
  EXPECT_EQ(found.front().threads.size(), 2U);
  EXPECT_THAT(found.front().behind, ElementsAre(analyze::ThreadRef{0, played.threads.at(1)}));
  EXPECT_TRUE(analyze::StuckThreads(played.run)[0][0]);
}

// Two children of process 100 that play these scripts, with A and B in memory that both have mapped.
trace::Run Children(const std::string& first, const std::string& second) {
  const std::string common =
      "live A=common B=common F=flock,common P=fcntl,common:file:0:10 Q=fcntl,common:file:5:1 ";
  return PlayTogether(
      {{100, "live 1:fork(201) 1:fork(202)"}, {201, common + first, 500}, {202, common + second, 500}});
}

// The kinds of stalls, each with its processes: "cycle 201 202 < 100".
std::vector<std::string> StallsOf(const trace::Run& run) {
  std::vector<std::string> result;
  for (const Stall& stall : analyze::FindStalls(run)) {
    std::string text = stall.kind == Stall::Kind::kCycle ? "cycle" : "other";
    const auto add = [&](const std::vector<analyze::ThreadRef>& threads) {
      for (const analyze::ThreadRef& ref : threads) {
        text += " " + std::to_string(run.processes[static_cast<size_t>(ref.process)].pid);
      }
    };
    add(stall.threads);
    text += stall.behind.empty() ? "" : " <";
    add(stall.behind);
    result.push_back(text);
  }
  return result;
}

// The process of the run is in waitpid for one of its children.
void AwaitChild(trace::Run* run, trace::Index child) {
  trace::Thread& thread = run->processes[0].threads[0];
  thread.settled = true;
  thread.wait.kind = trace::WaitKind::kProcess;
  thread.wait.releasers = {child};
}

TEST(Processes, ALockThatTheyShareIsOneNode) {
  EXPECT_THAT(StallsOf(Children("1:+A 1:!B", "1:+B 1:!A")), ElementsAre("cycle 201 202"));
  EXPECT_THAT(StallsOf(Children("1:+A 1:!B", "1:+B 1:-B 1:!A")), IsEmpty());
  EXPECT_THAT(StallsOf(Children("1:+A 1:!B", "1:+B 1:!~A")), IsEmpty());
  EXPECT_THAT(StallsOf(Children("1:+A 1:!B", "1:+B 1:!A 1:moving")), IsEmpty());
}

TEST(Processes, ADeadlockIsNotToldOnceMoreAsAPossibleOne) {
  const std::string common = "A=common B=common ";
  EXPECT_THAT(RulesOf(PlayTogether({{100, "1:fork(201) 1:fork(202) 1:reap(201) 1:reap(202)"},
                                    {201, common + "1:+A 1:!B", 500},
                                    {202, common + "1:+B 1:!A", 500}})),
              ElementsAre("deadlock"));
}

TEST(Processes, ARingOverALockOfOneThreadAFileAndAMutexOfBoth) {
  EXPECT_THAT(StallsOf(Children("1:create(2) 1:+M 1:!A 2:+F 2:!M", "1:+A 1:!F")),
              ElementsAre("cycle 201 202 201"));
  EXPECT_THAT(StallsOf(Children("1:create(2) 1:+M 1:!A 2:+F 2:!M", "1:+A")), IsEmpty());
}

TEST(Processes, SemaphoresThatWereTakenInARingExplainAStandstill) {
  const std::string semaphores = "S=named,common T=named,common ";
  const auto run_of = [&](const std::string& more) {
    trace::Run run = Children(semaphores + "1:+S 1:!T", semaphores + "1:+T 1:!S" + more);
    for (const size_t process : {1, 2}) {
      run.processes[process].threads[0].wait.releasers = {1, 2};
    }
    return run;
  };
  EXPECT_THAT(StallsOf(run_of("")), ElementsAre("cycle 201 202"));
  // Somebody could post them.
  EXPECT_THAT(StallsOf(run_of(" 1:moving")), IsEmpty());
  EXPECT_THAT(StallsOf(Children(semaphores + "1:+S 1:!T", semaphores + "1:+T 1:!S")), IsEmpty());
  // Of what is handed over nobody is the holder.
  trace::Run handed = run_of("");
  handed.processes[1].locks.back().flags |= trace::kHandOff;
  for (trace::Lock& lock : handed.processes[2].locks) {
    lock.flags |= trace::kHandOff;
  }
  EXPECT_THAT(StallsOf(handed), ElementsAre("other 201 202"));
}

TEST(Processes, WhoeverWaitsForTheEndOfOneIsBehindTheRing) {
  trace::Run run = Children("1:+A 1:!B", "1:+B 1:!A");
  AwaitChild(&run, 1);
  EXPECT_THAT(StallsOf(run), ElementsAre("cycle 201 202 < 100"));
}

TEST(Processes, AParentThatHoldsWhatItsChildNeeds) {
  trace::Run run = PlayTogether({{100, "live A=common 1:+A 1:fork(201)"}, {201, "live A=common 1:!A", 500}});
  AwaitChild(&run, 1);
  EXPECT_THAT(StallsOf(run), ElementsAre("cycle 100 201"));
  // A handler of the child may end it.
  run.processes[1].caught_signals = 1;
  EXPECT_FALSE(analyze::FindStalls(run).front().certain);
}

TEST(Processes, ARangeOfAFileIsInTheWayOfAnotherThatOverlapsItIfTheKernelSaysSo) {
  trace::Run run = Children("1:+A 1:!P", "1:+Q 1:!A");
  EXPECT_THAT(StallsOf(run), IsEmpty());
  run.processes[1].threads[0].wait.releasers = {2};
  EXPECT_THAT(StallsOf(run), ElementsAre("cycle 201 202"));
}

TEST(StuckNodes, AllNeedsEverybodyAndAnyNeedsOne) {
  const Need runs;
  const Need never{Need::Kind::kAny, {}};
  const auto all = [](std::vector<int32_t> nodes) { return Need{Need::Kind::kAll, std::move(nodes)}; };
  const auto any = [](std::vector<int32_t> nodes) { return Need{Need::Kind::kAny, std::move(nodes)}; };
  EXPECT_THAT(analyze::StuckNodes({runs, never, all({0}), all({0, 1}), any({0, 1}), any({1}), any({4, 5})}),
              ElementsAre(false, true, false, true, false, true, false));
  // Two that could help each other, and nobody else: stuck. With one way out: not.
  EXPECT_THAT(analyze::StuckNodes({any({1}), any({0})}), ElementsAre(true, true));
  EXPECT_THAT(analyze::StuckNodes({any({1, 2}), any({0}), runs}), ElementsAre(false, false, false));
}

}  // namespace
}  // namespace gordian::test
