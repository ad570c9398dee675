// deadlock, self-deadlock, abandoned-lock and lock-order-cycle: what the findings say.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/analyze/judge.h"

namespace gordian::test {
namespace {

using analyze::Confidence;
using analyze::Finding;
using analyze::Level;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr char kDeadlock[] = "live 1:create(2) 1:create(3) 1:create(4) 2:+A 3:+B 2:!B 3:!A 4:!A ";
constexpr char kCycle[] = "1:create(2) 1:create(3) 2:+A@1 2:+B@2 2:-B 2:-A | 3:+B@3 3:+A@4 3:-A 3:-B ";

TEST(Deadlock, IsReportedWhileTheProgramHangs) {
  const std::vector<Finding> findings = analyze::Analyze(Play(kDeadlock).run);
  ASSERT_THAT(findings, SizeIs(1));
  const Finding& finding = findings[0];
  EXPECT_STREQ(finding.rule->id, "deadlock");
  EXPECT_EQ(finding.level, Level::kError);
  EXPECT_EQ(finding.confidence, Confidence::kConfirmed);
  EXPECT_EQ(finding.title, "Deadlock: {thread:0} and {thread:1} wait for each other");
  ASSERT_THAT(finding.threads, SizeIs(3));
  ASSERT_THAT(finding.locks, SizeIs(2));
  for (size_t t = 0; t < 2; ++t) {
    ASSERT_THAT(finding.threads[t].holds, SizeIs(1));
    EXPECT_NE(finding.threads[t].holds[0].stack.stack, trace::kNoIndex);
    EXPECT_EQ(finding.threads[t].waits.kind, trace::WaitKind::kLock);
    EXPECT_EQ(finding.threads[t].waits.lock, finding.threads[1 - t].holds[0].lock);
    EXPECT_NE(finding.threads[t].waits.stack.stack, trace::kNoIndex);
    EXPECT_NE(finding.threads[t].created.stack, trace::kNoIndex);
  }
  ASSERT_THAT(finding.interleaving, SizeIs(4));
  EXPECT_EQ(finding.interleaving[0].action, "lock");
  EXPECT_EQ(finding.interleaving[3].action, "blocks on");
  EXPECT_THAT(finding.identity, SizeIs(4));
  EXPECT_THAT(finding.behind, ElementsAre(HasSubstr("{thread:2} waits for {lock:")));
}

TEST(Deadlock, IsNotReportedOnceMoreAsAPossibleOne) {
  EXPECT_THAT(RulesOf("1:create(2) 1:create(3) 2:+A 3:+B 2:!B 3:!A"), ElementsAre("deadlock"));
  // Another cycle of the same run is.
  EXPECT_THAT(RulesOf("1:create(2) 1:create(3) 2:+C 2:+D 2:-D 2:-C 3:+D 3:+C 3:-C 3:-D 2:+A 3:+B 2:!B 3:!A"),
              ElementsAre("deadlock", "lock-order-cycle"));
}

// A server with a handler for `signals`: main waits on a condition, and so does its worker.
std::vector<Finding> AtRest(const char* script, uint64_t signals) {
  Played played = Play(script);
  played.process().caught_signals = uint64_t{1} << (SIGTERM - 1) | uint64_t{1} << (SIGCHLD - 1);
  played.process().service_signals = signals;
  for (trace::Thread& thread : played.process().threads) {
    thread.wait.releasers = {0};
  }
  return analyze::Analyze(played.run);
}

TEST(Standstill, AServerThatWaitsToBeToldBySignalIsNone) {
  constexpr char idle[] = "live C=condition 1:create(2) 1:+A 1:!wait(C,A) 2:+A 2:!wait(C,A)";
  const uint64_t told = uint64_t{1} << (SIGTERM - 1);
  EXPECT_THAT(AtRest(idle, told), IsEmpty());
  const std::vector<Finding> untold = AtRest(idle, 0);
  ASSERT_THAT(untold, SizeIs(1));
  EXPECT_EQ(untold[0].level, Level::kWarning);
  // Whoever waits for a lock has work to do.
  const std::vector<Finding> held_up =
      AtRest("live C=condition 1:create(2) 1:+B 1:+A 1:!wait(C,A) 2:!B", told);
  ASSERT_THAT(held_up, SizeIs(1));
  EXPECT_EQ(held_up[0].level, Level::kWarning);
}

TEST(Deadlock, WithAJoin) {
  const std::vector<Finding> findings =
      FindingsOf(Play("live 1:create(2) 1:+A 2:!A 1:!join(2)").run, "deadlock");
  ASSERT_THAT(findings, SizeIs(1));
  EXPECT_THAT(findings[0].fix, HasSubstr("join"));
  const auto& threads = findings[0].threads;
  const size_t joiner = threads[0].waits.kind == trace::WaitKind::kJoin ? 0 : 1;
  EXPECT_EQ(threads[joiner].waits.thread, static_cast<int>(1 - joiner));
  EXPECT_THAT(threads[joiner].holds, SizeIs(1));
}

TEST(Deadlock, OfAnInterpretersLocksAloneIsSilent) {
  EXPECT_THAT(RulesOf("live A=interpreter B=interpreter 1:create(2) 1:create(3) 2:+A 3:+B 2:!B 3:!A"),
              IsEmpty());
  EXPECT_THAT(RulesOf("live A=interpreter 1:create(2) 1:create(3) 2:+A 3:+B 2:!B 3:!A"),
              ElementsAre("deadlock"));
}

TEST(Deadlock, BeginsAtTheSamePlaceWhateverTheThreadsAreCalled) {
  const auto places = [](const char* script) {
    const Played played = Play(script);
    const std::vector<Finding> findings = analyze::Analyze(played.run);
    std::vector<uint64_t> result;
    for (const analyze::StackAt& at : findings.at(0).identity) {
      result.push_back(played.process().stacks[static_cast<size_t>(at.stack)].frames[0].offset);
    }
    return result;
  };
  EXPECT_EQ(places("live A=class:a B=class:b 1:create(2) 1:create(3) 2:+A@1 3:+B@2 2:!B@3 3:!A@4"),
            places("live A=class:a B=class:b 1:create(2) 1:create(3) 3:+A@1 2:+B@2 2:!A@4 3:!B@3"));
}

// Thread 2 waits on a condition, main joins it, and nobody else is there.
Played Standstill() {
  Played played = Play("live 1:create(2) 2:+M 2:!wait(C,M) 1:!join(2)");
  for (const int thread : {1, 2}) {
    played.thread(thread).wait.releasers = {0};
  }
  return played;
}

TEST(LostSignal, IsANoteOnAStandstill) {
  Played played = Standstill();
  EXPECT_THAT(RulesOf(played.run), ElementsAre("deadlock"));
  played.lock("C").flags |= trace::kSignalLost;
  trace::Event signal;
  signal.kind = trace::EventKind::kLostSignal;
  signal.thread = played.threads.at(1);
  signal.lock = played.locks.at("C");
  played.process().events.push_back(signal);
  const std::vector<Finding> findings = FindingsOf(played.run, "lost-signal");
  ASSERT_THAT(findings, SizeIs(1));
  EXPECT_EQ(findings[0].level, Level::kNote);
  ASSERT_THAT(findings[0].threads, SizeIs(2));
  EXPECT_EQ(findings[0].threads[0].waits.kind, trace::WaitKind::kCondition);
  EXPECT_EQ(findings[0].threads[1].role, "signalled it before");
}

TEST(LostSignal, OfAWaiterThatOthersMayStillWakeIsNone) {
  Played played = Standstill();
  played.lock("C").flags |= trace::kSignalLost;
  played.thread(1).settled = false;
  EXPECT_THAT(RulesOf(played.run), IsEmpty());
}

TEST(SelfDeadlock, SecondLockUpgradeAndJoin) {
  const auto only = [](const char* script) {
    const std::vector<Finding> findings = analyze::Analyze(Play(script).run);
    EXPECT_THAT(findings, SizeIs(1));
    EXPECT_STREQ(findings.at(0).rule->id, "self-deadlock");
    return findings.at(0);
  };
  EXPECT_THAT(only("live 1:+A 1:!A").explanation, HasSubstr("second time"));
  EXPECT_THAT(only("live A=rwlock 1:+A/r 1:!A").explanation, HasSubstr("for reading"));
  EXPECT_THAT(only("live 1:create(2) 2:!join(2)").title, HasSubstr("joins itself"));
  EXPECT_THAT(RulesOf("live A=recursive 1:+A 1:!A"), IsEmpty());
  EXPECT_THAT(RulesOf("live 1:+A 1:!~A"), IsEmpty());
}

TEST(AbandonedLock, ByAnEndedThread) {
  const std::vector<Finding> findings =
      FindingsOf(Play("live 1:create(2) 2:+A 2:end 1:!A").run, "abandoned-lock");
  ASSERT_THAT(findings, SizeIs(1));
  ASSERT_THAT(findings[0].threads, SizeIs(2));
  EXPECT_EQ(findings[0].threads[1].role, "ended while holding it");
  EXPECT_THAT(findings[0].threads[1].holds, SizeIs(1));
}

TEST(AbandonedLock, ThroughAFork) {
  const std::vector<Finding> findings = analyze::Analyze(Play("live A=inherited:77 1:!A").run);
  ASSERT_THAT(findings, SizeIs(1));
  EXPECT_STREQ(findings[0].rule->id, "abandoned-lock");
  EXPECT_THAT(findings[0].explanation, HasSubstr("thread 77 of the parent"));
}

TEST(AbandonedLock, RobustIsSilent) {
  EXPECT_THAT(RulesOf("live A=robust 1:create(2) 2:+A 2:end 1:!A"), IsEmpty());
}

TEST(LockOrderCycle, TellsBothSides) {
  const std::vector<Finding> findings = analyze::Analyze(Play(kCycle).run);
  ASSERT_THAT(findings, SizeIs(1));
  const Finding& finding = findings[0];
  EXPECT_STREQ(finding.rule->id, "lock-order-cycle");
  EXPECT_EQ(finding.level, Level::kError);
  EXPECT_EQ(finding.confidence, Confidence::kPotential);
  EXPECT_EQ(finding.count, 1U);
  ASSERT_THAT(finding.threads, SizeIs(2));
  ASSERT_THAT(finding.locks, SizeIs(2));
  std::vector<std::string> steps;
  for (const analyze::Step& step : finding.interleaving) {
    steps.push_back(std::to_string(step.thread) + " " + step.action + " " + std::to_string(step.lock));
  }
  EXPECT_THAT(steps, ElementsAre("0 lock 0", "1 lock 1", "0 blocks on 1", "1 blocks on 0"));
  std::vector<std::string> conditions;
  for (const analyze::Condition& condition : finding.conditions) {
    EXPECT_TRUE(condition.holds);
    EXPECT_FALSE(condition.because.empty());
    conditions.push_back(condition.name);
  }
  EXPECT_THAT(conditions, ElementsAre("distinct-threads", "no-common-gate", "modes-conflict", "may-overlap",
                                      "can-block"));
}

TEST(LockOrderCycle, IsJudgedWhenTheProcessIsOver) {
  EXPECT_THAT(RulesOf((std::string("live ") + kCycle).c_str()), IsEmpty());
}

TEST(LockOrderCycle, ManyInstancesOfOneClassAreOneFinding) {
  std::string script = "1:create(2) 1:create(3) ";
  for (int i = 0; i < 20; ++i) {
    const std::string a = absl::StrCat("A", i);
    const std::string b = absl::StrCat("B", i);
    absl::StrAppend(&script, a, "=class:a ", b, "=class:b ");
    absl::StrAppend(&script, "2:+", a, "@1 2:+", b, "@2 2:-", b, " 2:-", a, " ");
    absl::StrAppend(&script, "3:+", b, "@3 3:+", a, "@4 3:-", a, " 3:-", b, " ");
  }
  const std::vector<Finding> findings = analyze::Analyze(Play(script).run);
  ASSERT_THAT(findings, SizeIs(1));
  EXPECT_EQ(findings[0].count, 20U);
}

TEST(LockOrderCycle, RingsOfTwoAndThreeAccountsAreOneFinding) {
  const std::vector<Finding> findings = analyze::Analyze(
      Play("1:create(2) 1:create(3) 1:create(4) A=class:a B=class:a C=class:a D=class:a E=class:a "
           "2:+A@1 2:+B@2 2:-B 2:-A 3:+B@1 3:+A@2 3:-A 3:-B "
           "2:+C@1 2:+D@2 2:-D 2:-C 3:+D@1 3:+E@2 3:-E 3:-D 4:+E@1 4:+C@2 4:-C 4:-E")
          .run);
  ASSERT_THAT(findings, SizeIs(1));
  EXPECT_EQ(findings[0].count, 2U);
  EXPECT_THAT(findings[0].locks, SizeIs(2));
}

TEST(LockOrderCycle, OtherCodeOrAnotherClassIsAnotherFinding) {
  EXPECT_THAT(RulesOf("1:create(2) 1:create(3) A=class:a B=class:b C=class:a D=class:b "
                      "2:+A@1 2:+B@2 2:-B 2:-A 3:+B@3 3:+A@4 3:-A 3:-B "
                      "2:+C@1 2:+D@2 2:-D 2:-C 3:+D@5 3:+C@6 3:-C 3:-D"),
              SizeIs(2));
  EXPECT_THAT(RulesOf("1:create(2) 1:create(3) A=class:a B=class:b C=class:c D=class:b "
                      "2:+A@1 2:+B@2 2:-B 2:-A 3:+B@3 3:+A@4 3:-A 3:-B "
                      "2:+C@1 2:+D@2 2:-D 2:-C 3:+D@3 3:+C@4 3:-C 3:-D"),
              SizeIs(2));
}

TEST(LockOrderCycle, TheSameInTwoProcessesIsOneFinding) {
  Played played = Play(kCycle);
  played.run.processes.push_back(played.process());
  played.run.processes.back().pid = 200;
  const std::vector<Finding> findings = analyze::Analyze(played.run);
  ASSERT_THAT(findings, SizeIs(1));
  EXPECT_EQ(findings[0].count, 2U);
}

TEST(LockOrderCycle, IdentityDoesNotDependOnThreadsAndTime) {
  const auto places = [](const char* script) {
    const Played played = Play(script);
    const std::vector<Finding> findings = analyze::Analyze(played.run);
    std::vector<uint64_t> result;
    for (const analyze::StackAt& at : findings.at(0).identity) {
      result.push_back(played.process().stacks[static_cast<size_t>(at.stack)].frames[0].offset);
    }
    return result;
  };
  EXPECT_EQ(
      places("A=class:a B=class:b 1:create(2) 1:create(3) 2:+A@1 2:+B@2 2:-B 2:-A 3:+B@3 3:+A@4 3:-A 3:-B"),
      places("A=class:a B=class:b 1:create(2) 1:create(3) 2:+B@3 2:+A@4 2:-A 2:-B 3:+A@1 3:+B@2 3:-B 3:-A"));
}

TEST(LockOrderCycle, NamesTheWriterBetweenTwoReaders) {
  const std::vector<Finding> findings =
      analyze::Analyze(Play("A=writer-rwlock 1:create(2) 1:create(3) 1:create(4) "
                            "2:+A/r 2:+B 2:-B 2:-A 3:+B 3:+A/r 3:-A 3:-B 4:+A 4:-A")
                           .run);
  ASSERT_THAT(findings, SizeIs(1));
  EXPECT_STREQ(findings[0].rule->id, "lock-order-cycle");
  ASSERT_THAT(findings[0].threads, SizeIs(3));
  EXPECT_THAT(findings[0].locks, SizeIs(2));
  EXPECT_THAT(findings[0].threads[2].holds, IsEmpty());
  EXPECT_EQ(findings[0].threads[2].waits.kind, trace::WaitKind::kLock);
  EXPECT_EQ(findings[0].interleaving[2].action, "queues to write");
}

TEST(JoinOrderCycle, TellsTheJoinAndTheLock) {
  const std::vector<Finding> findings =
      analyze::Analyze(Play("1:create(2) 2:+A 2:-A 2:end 1:+A 1:join(2) 1:-A").run);
  ASSERT_THAT(findings, SizeIs(1));
  const Finding& finding = findings[0];
  EXPECT_STREQ(finding.rule->id, "join-order-cycle");
  EXPECT_EQ(finding.level, Level::kError);
  EXPECT_EQ(finding.confidence, Confidence::kPotential);
  ASSERT_THAT(finding.threads, SizeIs(2));
  EXPECT_THAT(finding.locks, SizeIs(1));
  EXPECT_EQ(finding.threads[0].waits.kind, trace::WaitKind::kJoin);
  EXPECT_EQ(finding.threads[0].waits.thread, 1);
  EXPECT_THAT(finding.threads[0].holds, SizeIs(1));
  EXPECT_THAT(finding.threads[1].holds, IsEmpty());
  EXPECT_EQ(finding.threads[1].waits.lock, 0);
  EXPECT_THAT(finding.interleaving, SizeIs(3));
  EXPECT_THAT(finding.title, HasSubstr("{thread:0} joins {thread:1}"));
}

TEST(JoinOrderCycle, ThatHappenedIsADeadlock) {
  EXPECT_THAT(RulesOf("1:create(2) 1:+A 2:!A 1:!join(2)"), ElementsAre("deadlock"));
  EXPECT_THAT(RulesOf("1:create(2) 1:create(3) 3:+A 3:-A 3:end 1:+A 1:join(3) 2:!A 1:!join(2)"),
              ElementsAre("deadlock", "join-order-cycle"));
}

TEST(JoinOrderCycle, ThreadsOfOneKindAreOneFinding) {
  const std::vector<Finding> findings =
      analyze::Analyze(Play("1:create(2)@1 1:create(3)@1 2:+A@2 2:-A 2:end 3:+A@2 3:-A 3:end "
                            "1:+A@3 1:join(2)@4 1:join(3)@4 1:-A")
                           .run);
  ASSERT_THAT(findings, SizeIs(1));
  EXPECT_EQ(findings[0].count, 2U);
}

TEST(JoinOrderCycle, ARingOfThreeNamesTheJoins) {
  const std::vector<Finding> findings = analyze::Analyze(
      Play("1:create(2) 2:create(3) 3:+A 3:-A 3:end 2:join(3) 2:end 1:+A 1:join(2) 1:-A").run);
  ASSERT_THAT(findings, SizeIs(1));
  EXPECT_THAT(findings[0].threads, SizeIs(3));
  EXPECT_THAT(findings[0].explanation, HasSubstr("before it ends"));
}

constexpr char kReadsAgain[] = "1:create(2) 1:create(3) 2:+A/r@1 2:+A/r@2 2:-A 2:-A ";

TEST(ReaderWriterStarve, AWriterMayComeBetweenTwoReads) {
  const std::vector<Finding> findings =
      analyze::Analyze(Play(std::string("A=writer-rwlock ") + kReadsAgain + "3:+A 3:-A").run);
  ASSERT_THAT(findings, SizeIs(1));
  const Finding& finding = findings[0];
  EXPECT_STREQ(finding.rule->id, "reader-writer-starve");
  EXPECT_EQ(finding.level, Level::kWarning);
  EXPECT_EQ(finding.confidence, Confidence::kPotential);
  ASSERT_THAT(finding.threads, SizeIs(2));
  EXPECT_THAT(finding.threads[0].holds, SizeIs(1));
  EXPECT_THAT(finding.interleaving, SizeIs(3));
}

TEST(ReaderWriterStarve, AlsoAWriterThatHoldsSomethingElse) {
  EXPECT_THAT(RulesOf(Play(std::string("A=writer-rwlock ") + kReadsAgain + "3:+B 3:+A 3:-A 3:-B").run),
              ElementsAre("reader-writer-starve"));
}

TEST(ReaderWriterStarve, Silent) {
  const auto rules = [](const std::string& script) { return RulesOf(Play(script).run); };
  // Who grants readers all the same, or no writer at all.
  EXPECT_THAT(rules(std::string("A=rwlock ") + kReadsAgain + "3:+A 3:-A"), IsEmpty());
  EXPECT_THAT(rules(std::string("A=writer-rwlock ") + kReadsAgain + "3:+A/r 3:-A"), IsEmpty());
  // A writer that does not wait for good, or that is the reader itself.
  EXPECT_THAT(rules(std::string("A=writer-rwlock ") + kReadsAgain + "3:?A 3:-A 3:~A 3:-A"), IsEmpty());
  EXPECT_THAT(rules(std::string("A=writer-rwlock ") + kReadsAgain + "2:+A 2:-A"), IsEmpty());
  // Kept out by a gate, or by a join.
  EXPECT_THAT(rules("A=writer-rwlock 1:create(2) 1:create(3) 2:+G 2:+A/r 2:+A/r 2:-A 2:-A 2:-G "
                    "3:+G 3:+A 3:-A 3:-G"),
              IsEmpty());
  EXPECT_THAT(rules("A=writer-rwlock 1:create(2) 2:+A/r 2:+A/r 2:-A 2:-A 2:end 1:join(2) 1:+A 1:-A"),
              IsEmpty());
  // The second read is a try.
  EXPECT_THAT(rules("A=writer-rwlock 1:create(2) 1:create(3) 2:+A/r 2:?A/r 2:-A 2:-A 3:+A 3:-A"), IsEmpty());
}

TEST(ConditionNestedWait, EverySignallerNeedsTheOuterLock) {
  const std::vector<Finding> findings =
      analyze::Analyze(Play("1:create(2,detached) 1:create(3,detached) 3:+L@1 3:+M@2 3:signal(C)@3 3:-M 3:-L "
                            "2:+L@4 2:+M@5 2:!wait(C,M)@6")
                           .run);
  ASSERT_THAT(findings, SizeIs(1));
  const Finding& finding = findings[0];
  EXPECT_STREQ(finding.rule->id, "condition-nested-wait");
  EXPECT_EQ(finding.level, Level::kWarning);
  ASSERT_THAT(finding.threads, SizeIs(2));
  EXPECT_THAT(finding.threads[0].holds, SizeIs(1));
  EXPECT_EQ(finding.threads[0].waits.kind, trace::WaitKind::kCondition);
  EXPECT_EQ(finding.threads[1].waits.lock, finding.threads[0].holds[0].lock);
  EXPECT_THAT(finding.interleaving, SizeIs(3));
}

TEST(ConditionNestedWait, Silent) {
  const auto rules = [](const std::string& script) {
    return RulesOf(Play("1:create(2,detached) 1:create(3,detached) 1:create(4,detached) " + script).run);
  };
  const std::string waits = " 2:+L 2:+M 2:!wait(C,M)";
  EXPECT_THAT(rules("3:+L 3:signal(C) 3:-L" + waits), ElementsAre("condition-nested-wait"));
  // Nobody signals, or somebody does without the lock, or without any.
  EXPECT_THAT(rules(waits), IsEmpty());
  EXPECT_THAT(rules("3:+L 3:signal(C) 3:-L 4:+M 4:signal(C) 4:-M" + waits), IsEmpty());
  EXPECT_THAT(rules("3:+L 3:signal(C) 3:-L 4:signal(C)" + waits), IsEmpty());
  // The waiter's own signals do not count, another condition's neither.
  EXPECT_THAT(rules("2:+L 2:signal(C) 2:-L" + waits), IsEmpty());
  EXPECT_THAT(rules("3:+L 3:signal(D) 3:-L" + waits), IsEmpty());
  EXPECT_THAT(rules("2:+X 2:signal(C) 2:-X 3:+L 3:signal(C) 3:-L" + waits),
              ElementsAre("condition-nested-wait"));
  // Only the mutex that the wait gives up, or a wait with a timeout.
  EXPECT_THAT(rules("3:+M 3:signal(C) 3:-M 2:+M 2:!wait(C,M)"), IsEmpty());
  EXPECT_THAT(rules("3:+L 3:signal(C) 3:-L 2:+L 2:+M 2:timedwait(C,M) 2:-M 2:-L"), IsEmpty());
  // Readers are not in each other's way.
  EXPECT_THAT(rules("L=rwlock 3:+L/r 3:signal(C) 3:-L 2:+L/r 2:+M 2:!wait(C,M)"), IsEmpty());
  EXPECT_THAT(rules("L=rwlock 3:+L/r 3:signal(C) 3:-L 2:+L 2:+M 2:!wait(C,M)"),
              ElementsAre("condition-nested-wait"));
  // All signallers were gone by then.
  EXPECT_THAT(rules("3:+L 3:signal(C) 3:-L 3:end 2:join(3)" + waits), IsEmpty());
}

TEST(ReaderWriterStarve, TheHangItselfIsADeadlock) {
  EXPECT_THAT(RulesOf("A=writer-rwlock 1:create(2) 1:create(3) 2:+A/r 3:!A 2:!A/r"), ElementsAre("deadlock"));
}

}  // namespace
}  // namespace gordian::test
