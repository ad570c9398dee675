// Cycles over several processes: shared locks, fork and reap, exec, locks on files.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/analyze/judge.h"

namespace gordian::test {
namespace {

using analyze::Finding;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

// Two children of one parent, side by side; a child begins 500 ms after its parent's start.
std::vector<std::string> Siblings(
    const std::string& first, const std::string& second,
    const std::string& parent = "1:fork(201) 1:fork(202) 1:reap(201) 1:reap(202)") {
  return RulesOf(PlayTogether({{100, parent}, {201, first, 500}, {202, second, 500}}));
}

constexpr char kCommon[] = "A=common B=common G=common S=named,locklike,common F=flock,common ";
constexpr char kAb[] = "1:+A 1:+B 1:-B 1:-A ";
constexpr char kBa[] = "1:+B 1:+A 1:-A 1:-B ";

std::string Common(const std::string& script) { return kCommon + script; }

TEST(Processes, TakeSharedLocksInOppositeOrders) {
  const trace::Run run = PlayTogether({{100, "1:fork(201) 1:fork(202) 1:reap(201) 1:reap(202)"},
                                       {201, Common(kAb), 500},
                                       {202, Common(kBa), 500}});
  const std::vector<Finding> findings = analyze::Analyze(run);
  ASSERT_THAT(findings, SizeIs(1));
  const Finding& finding = findings[0];
  EXPECT_STREQ(finding.rule->id, "lock-order-cycle");
  EXPECT_THAT(finding.title, HasSubstr("of processes"));
  ASSERT_THAT(finding.threads, SizeIs(2));
  EXPECT_NE(finding.threads[0].process, finding.threads[1].process);
  EXPECT_THAT(finding.locks, SizeIs(2));
  EXPECT_THAT(finding.processes, SizeIs(2));
  EXPECT_THAT(finding.interleaving, SizeIs(4));
  for (const analyze::ThreadPart& part : finding.threads) {
    ASSERT_THAT(part.holds, SizeIs(1));
    EXPECT_EQ(part.holds[0].stack.process, part.process);
    EXPECT_EQ(part.waits.stack.process, part.process);
  }
}

TEST(Processes, MutexSemaphoreAndFileLockInOneRing) {
  const trace::Run run =
      PlayTogether({{100, "1:fork(201) 1:fork(202) 1:fork(203) 1:reap(201) 1:reap(202) 1:reap(203)"},
                    {201, Common("1:+A 1:+S 1:-S 1:-A"), 500},
                    {202, Common("1:+S 1:+F 1:-F 1:-S"), 500},
                    {203, Common("1:+F 1:+A 1:-A 1:-F"), 500}});
  const std::vector<Finding> findings = analyze::Analyze(run);
  ASSERT_THAT(findings, SizeIs(1));
  EXPECT_THAT(findings[0].threads, SizeIs(3));
  EXPECT_THAT(findings[0].locks, SizeIs(3));
}

TEST(Processes, APrivateLockMayBeBetweenTwoSharedOnes) {
  EXPECT_THAT(
      Siblings(Common("1:create(2,detached) 1:create(3,detached) 2:+A 2:+M 2:-M 2:-A 3:+M 3:+B 3:-B 3:-M"),
               Common(kBa)),
      ElementsAre("lock-order-cycle"));
}

TEST(Processes, Silent) {
  EXPECT_THAT(Siblings(Common(kAb), Common(kAb)), IsEmpty());
  // Locks of the same name that are not the same object.
  EXPECT_THAT(Siblings(kAb, kBa), IsEmpty());
  EXPECT_THAT(Siblings(std::string("A=common ") + kAb, std::string("A=common ") + kBa), IsEmpty());
  // A gate of all processes keeps them apart, a private one does not.
  EXPECT_THAT(Siblings(Common("1:+G 1:+A 1:+B 1:-B 1:-A 1:-G"), Common("1:+G 1:+B 1:+A 1:-A 1:-B 1:-G")),
              IsEmpty());
  EXPECT_THAT(Siblings(Common("1:+M 1:+A 1:+B 1:-B 1:-A 1:-M"), Common("1:+M 1:+B 1:+A 1:-A 1:-B 1:-M")),
              ElementsAre("lock-order-cycle"));
  // A try gives up.
  EXPECT_THAT(Siblings(Common("1:+A 1:?B 1:-B 1:-A"), Common(kBa)), IsEmpty());
}

TEST(Processes, WhatOneOfThemSaysOfALockHoldsForAll) {
  EXPECT_THAT(Siblings(Common(kAb), std::string("A=common,handoff B=common ") + kBa), IsEmpty());
  EXPECT_THAT(Siblings(Common("1:+A 1:+S 1:-S 1:-A"),
                       std::string("A=common S=named,common ") + "1:+S 1:+A 1:-A 1:-S"),
              ElementsAre("lock-order-cycle"));
  EXPECT_THAT(Siblings(Common("1:+A 1:+S 1:-S 1:-A"),
                       std::string("A=common S=named,common,handoff ") + "1:+S 1:+A 1:-A 1:-S"),
              IsEmpty());
}

TEST(Processes, ForkAndReapOrder) {
  // The first child is gone before the second begins.
  EXPECT_THAT(Siblings(Common(kAb), Common(kBa), "1:fork(201) 1:reap(201) 1:fork(202) 1:reap(202)"),
              IsEmpty());
  EXPECT_THAT(Siblings(Common(kAb), Common(kBa), "1:fork(201) 1:fork(202) 1:reap(202)"),
              ElementsAre("lock-order-cycle"));
  // What the parent did before the fork, after it, after the reap.
  const auto with_parent = [](const std::string& parent) {
    return RulesOf(PlayTogether({{100, Common(parent)}, {201, Common(kBa), 500}}));
  };
  EXPECT_THAT(with_parent(absl::StrCat(kAb, "1:fork(201) 1:reap(201)")), IsEmpty());
  EXPECT_THAT(with_parent(absl::StrCat("1:fork(201) ", kAb, "1:reap(201)")), ElementsAre("lock-order-cycle"));
  EXPECT_THAT(with_parent(absl::StrCat("1:fork(201) 1:reap(201) ", kAb)), IsEmpty());
  // Another thread of the parent is ordered by nothing.
  EXPECT_THAT(with_parent("1:create(2,detached) 1:fork(201) 1:reap(201) 2:+A 2:+B 2:-B 2:-A"),
              ElementsAre("lock-order-cycle"));
}

TEST(Processes, AThreadOfAChildEndsWithItsProcess) {
  const std::string threaded = Common("1:create(2,detached) 2:+A 2:+B 2:-B 2:-A");
  EXPECT_THAT(Siblings(threaded, Common(kBa), "1:fork(201) 1:reap(201) 1:fork(202) 1:reap(202)"), IsEmpty());
  EXPECT_THAT(Siblings(threaded, Common(kBa)), ElementsAre("lock-order-cycle"));
}

TEST(Processes, AGrandchildIsOrderedByItsParents) {
  const auto rules = [](const std::string& child) {
    return RulesOf(PlayTogether({{100, Common(absl::StrCat("1:fork(201) 1:reap(201) ", kBa))},
                                 {201, child, 500},
                                 {301, Common(kAb), 900}}));
  };
  EXPECT_THAT(rules("1:fork(301) 1:reap(301)"), IsEmpty());
  // It may outlive the child that nobody made wait for it.
  EXPECT_THAT(rules("1:fork(301)"), ElementsAre("lock-order-cycle"));
}

TEST(Processes, AGateOfTheParentFromForkToReap) {
  const auto rules = [](const std::string& parent) {
    return RulesOf(PlayTogether({{100, Common(parent)},
                                 {201, Common(kAb), 500},
                                 {202, Common("1:+G 1:+B 1:+A 1:-A 1:-B 1:-G"), 500}}));
  };
  EXPECT_THAT(rules("1:fork(202) 1:+G 1:fork(201) 1:reap(201) 1:-G 1:reap(202)"), IsEmpty());
  EXPECT_THAT(rules("1:fork(202) 1:+G 1:fork(201) 1:-G 1:reap(201) 1:reap(202)"),
              ElementsAre("lock-order-cycle"));
  EXPECT_THAT(rules("1:fork(202) 1:+G 1:fork(201) 1:-G 1:+G 1:reap(201) 1:-G 1:reap(202)"),
              ElementsAre("lock-order-cycle"));
}

TEST(Processes, AnExecEndsAllThreadsBeforeTheNextImage) {
  trace::Run run = PlayTogether({{100, Common("1:create(2,detached) 2:+A 2:+B 2:-B 2:-A")},
                                 {100, Common(kBa), 500},
                                 {201, "1:+X 1:-X", 500}});
  run.processes[0].end = trace::End::kExec;
  run.processes[1].image = 1;
  EXPECT_THAT(RulesOf(run), IsEmpty());
  run.processes[1].pid = 300;
  EXPECT_THAT(RulesOf(run), ElementsAre("lock-order-cycle"));
}

TEST(Processes, WhoseParentsAreNotKnownMustHaveRunAtTheSameTime) {
  const auto rules = [](uint64_t second_start_ms) {
    return RulesOf(
        PlayTogether({{100, "1:+X 1:-X"}, {201, Common(kAb), 500}, {202, Common(kBa), second_start_ms}}));
  };
  EXPECT_THAT(rules(501), ElementsAre("lock-order-cycle"));
  EXPECT_THAT(rules(5000), IsEmpty());
}

TEST(Processes, ACycleWithinOneIsToldOnce) {
  const std::string both = Common(absl::StrCat(
      "1:create(2,detached) 1:create(3,detached) 2:+A@1 2:+B@2 2:-B 2:-A 3:+B@3 3:+A@4 3:-A 3:-B"));
  const std::vector<Finding> findings = analyze::Analyze(PlayTogether(
      {{100, "1:fork(201) 1:fork(202) 1:reap(201) 1:reap(202)"}, {201, both, 500}, {202, both, 500}}));
  ASSERT_THAT(findings, SizeIs(1));
  EXPECT_THAT(findings[0].processes, IsEmpty());
  EXPECT_EQ(findings[0].threads[0].process, findings[0].threads[1].process);
}

TEST(Processes, ADestroyedObjectThatIsInitialisedAgainIsAnotherLock) {
  trace::Run run =
      PlayTogether({{100, "1:fork(201) 1:fork(202)"}, {201, Common(kAb), 500}, {202, Common(kBa), 500}});
  EXPECT_THAT(RulesOf(run), ElementsAre("lock-order-cycle"));
  for (trace::Lock& lock : run.processes[1].locks) {
    lock.flags |= trace::kDestroyed;
  }
  for (trace::Lock& lock : run.processes[2].locks) {
    lock.born_ns = run.processes[1].end_ns + 1;
    lock.create_stack = 0;
  }
  EXPECT_THAT(RulesOf(run), IsEmpty());
}

TEST(FileLocksOfProcesses, OfAProcessKeepOutOthers) {
  const std::string posix = "A=fcntl,common B=common ";
  EXPECT_THAT(Siblings(posix + kAb, posix + kBa), ElementsAre("lock-order-cycle"));
  const std::string gate = "A=common B=common G=fcntl,common ";
  EXPECT_THAT(Siblings(gate + "1:+G 1:+A 1:+B 1:-B 1:-A 1:-G", gate + "1:+G 1:+B 1:+A 1:-A 1:-B 1:-G"),
              IsEmpty());
  // Two threads of one process and one of another: only processes are kept apart.
  EXPECT_THAT(
      RulesOf(PlayTogether(
          {{100, posix + "1:create(2,detached) 1:create(3,detached) 2:+A 2:+B 2:-B 2:-A 3:+B 3:+A 3:-A 3:-B"},
           {201, "A=fcntl,common B=common 1:+A 1:-A", 500}})),
      IsEmpty());
}

TEST(FileLocksOfProcesses, RangesThatOverlap) {
  const auto rules = [](const std::string& first, const std::string& second, const std::string& kind) {
    return Siblings(absl::StrCat("B=common A=", kind, ",common:F:", first, " ", kAb),
                    absl::StrCat("B=common A=", kind, ",common:F:", second, " ", kBa));
  };
  EXPECT_THAT(rules("0:10", "0:10", "fcntl"), ElementsAre("lock-order-cycle"));
  EXPECT_THAT(rules("0:10", "5:10", "fcntl"), ElementsAre("lock-order-cycle"));
  EXPECT_THAT(rules("0:0", "5:10", "openfile"), ElementsAre("lock-order-cycle"));
  EXPECT_THAT(rules("0:10", "10:10", "fcntl"), IsEmpty());
  // Others of the file lie between the two.
  const std::string others = "B=common C=fcntl,common:F:20:5 D=fcntl,common:F:30:5 ";
  const std::string use = " 1:+C 1:-C 1:+D 1:-D ";
  EXPECT_THAT(Siblings(absl::StrCat(others, "A=fcntl,common:F:0:50", use, kAb),
                       absl::StrCat(others, "A=fcntl,common:F:40:20", use, kBa)),
              ElementsAre("lock-order-cycle"));
}

TEST(FileLocksOfProcesses, FlockAndFcntlDoNotMeet) {
  EXPECT_THAT(
      Siblings(absl::StrCat("B=common A=flock,common ", kAb), absl::StrCat("B=common A=fcntl,common ", kBa)),
      IsEmpty());
  EXPECT_THAT(Siblings(absl::StrCat("B=common A=openfile,common ", kAb),
                       absl::StrCat("B=common A=fcntl,common ", kBa)),
              ElementsAre("lock-order-cycle"));
}

TEST(FileLocksOfProcesses, TwoRangesOfOneFileInOppositeOrders) {
  const std::string ranges = "A=fcntl,common:F:0:1 B=fcntl,common:F:1:1 ";
  EXPECT_THAT(Siblings(ranges + kAb, ranges + kBa), ElementsAre("lock-order-cycle"));
  EXPECT_THAT(Siblings(ranges + kAb, ranges + kAb), IsEmpty());
}

TEST(ProcessEnds, WaitsForTheChildThatNeedsTheLock) {
  const auto rules = [](const std::string& parent) {
    return RulesOf(PlayTogether({{100, Common(parent)}, {201, Common("1:+A 1:-A"), 500}}));
  };
  const trace::Run run =
      PlayTogether({{100, Common("1:fork(201) 1:+A 1:waitpid(201) 1:-A")}, {201, Common("1:+A 1:-A"), 500}});
  const std::vector<Finding> findings = analyze::Analyze(run);
  ASSERT_THAT(findings, SizeIs(1));
  EXPECT_STREQ(findings[0].rule->id, "join-order-cycle");
  ASSERT_THAT(findings[0].threads, SizeIs(2));
  EXPECT_EQ(findings[0].threads[0].waits.kind, trace::WaitKind::kProcess);
  EXPECT_GE(findings[0].threads[0].waits.process, 0);
  EXPECT_THAT(findings[0].processes, SizeIs(2));

  EXPECT_THAT(rules("1:fork(201) 1:+A 1:-A 1:waitpid(201)"), IsEmpty());
  EXPECT_THAT(rules("1:fork(201) 1:passes 1:+A 1:waitpid(201) 1:-A"), IsEmpty());
  EXPECT_THAT(rules("1:passes 1:fork(201) 1:+A 1:waitpid(201) 1:-A"), ElementsAre("join-order-cycle"));
  EXPECT_THAT(rules("1:+A 1:fork(201) 1:waitpid(201) 1:-A"), IsEmpty());
  EXPECT_THAT(rules("1:+M 1:fork(201) 1:waitpid(201) 1:-M"), IsEmpty());
}

TEST(ProcessEnds, OnlyTheMainThreadHoldsItsProcessUp) {
  EXPECT_THAT(RulesOf(PlayTogether({{100, Common("1:fork(201) 1:+A 1:waitpid(201) 1:-A")},
                                    {201, Common("1:create(2,detached) 2:+A 2:-A"), 500}})),
              IsEmpty());
  // Unless it joins the thread that needs the lock.
  EXPECT_THAT(RulesOf(PlayTogether({{100, Common("1:fork(201) 1:+A 1:waitpid(201) 1:-A")},
                                    {201, Common("1:create(2) 2:+A 2:-A 2:end 1:join(2)"), 500}})),
              ElementsAre("join-order-cycle"));
}

TEST(ReaderWriterStarveOfProcesses, TheWriterIsAnother) {
  const std::string lock = "A=writer-rwlock,common B=common ";
  EXPECT_THAT(Siblings(lock + "1:+B 1:+A/r 1:+A/r 1:-A 1:-A 1:-B", lock + "1:+B 1:-B 1:+A 1:-A"),
              ElementsAre("reader-writer-starve"));
  EXPECT_THAT(Siblings(lock + "1:+B 1:+A/r 1:+A/r 1:-A 1:-A 1:-B", lock + "1:+B 1:+A 1:-A 1:-B"), IsEmpty());
}

}  // namespace
}  // namespace gordian::test
