// child-zombie and child-orphan: matching the outside with the inside, and what stays silent.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
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

constexpr uint64_t kMillisecond = 1'000'000;
constexpr int32_t kGordian = 99;
constexpr int32_t kRoot = 100;

trace::Observed Seen(int32_t pid, int32_t creator, uint64_t start_ms, const std::string& command) {
  trace::Observed observed;
  observed.pid = pid;
  observed.creator = creator;
  observed.start_ns = start_ms * kMillisecond;
  observed.start_ticks = start_ms / 10 + 1;
  observed.command = command;
  return observed;
}

// The root forked a child (pid 200) 20 ms into the run and then ended by exit.
class ChildRules : public testing::Test {
 protected:
  ChildRules() : played_(Play("1:+A@1 1:-A 1:fork(200)@9 1:exit")) {
    child().start_ns = 20 * kMillisecond;
    root().end_ns = 9000 * kMillisecond;
    played_.run.observed = {Seen(kRoot, kGordian, 0, "/program"), Seen(200, kRoot, 20, "worker")};
  }

  trace::Process& root() { return played_.process(); }
  trace::Child& child() { return root().children[0]; }
  trace::Observed& seen() { return played_.run.observed[1]; }
  std::vector<std::string> Rules() { return RulesOf(played_.run); }

  // The child left a trace of its own and ended then.
  void ChildEndsAt(uint64_t ms) {
    trace::Process process;
    process.pid = 200;
    process.ppid = kRoot;
    process.start_ticks = seen().start_ticks;
    process.start_ns = 20 * kMillisecond;
    process.flags = trace::kForkChild;
    process.ended = true;
    process.end = trace::End::kRawExit;
    process.end_ns = ms * kMillisecond;
    played_.run.processes.push_back(process);
  }

  Played played_;
};

TEST_F(ChildRules, AProcessThatWasReapedInTimeIsSilent) {
  seen().zombie_ms = 1900;
  child().flags |= trace::kReaped;
  EXPECT_THAT(Rules(), IsEmpty());
}

TEST_F(ChildRules, AZombieIsAnErrorThatNamesItsFork) {
  seen().zombie_ms = 5200;
  seen().creator_doing = "main thread in nanosleep()";
  const std::vector<Finding> findings = analyze::Analyze(played_.run);
  ASSERT_THAT(findings, SizeIs(1));
  const Finding& finding = findings[0];
  EXPECT_STREQ(finding.rule->id, "child-zombie");
  EXPECT_EQ(finding.level, Level::kError);
  ASSERT_THAT(finding.processes, SizeIs(2));
  EXPECT_EQ(finding.processes[0].pid, 200);
  EXPECT_EQ(finding.processes[0].ppid, kRoot);
  EXPECT_EQ(finding.processes[0].command, "worker");
  EXPECT_EQ(finding.processes[0].state, "zombie");
  EXPECT_EQ(finding.processes[0].created_how, "fork()");
  EXPECT_EQ(finding.processes[0].created.stack, child().stack);
  EXPECT_EQ(finding.processes[1].command, "/program");
  EXPECT_THAT(finding.title, HasSubstr("5200 ms"));
  EXPECT_THAT(finding.explanation, HasSubstr("main thread in nanosleep()"));
  EXPECT_THAT(finding.identity, SizeIs(1));
}

TEST_F(ChildRules, OneThatIsReapedAfterOthersIsANote) {
  seen().zombie_ms = 5200;
  seen().reaped_late = true;
  ASSERT_THAT(analyze::Analyze(played_.run), SizeIs(1));
  EXPECT_EQ(analyze::Analyze(played_.run)[0].level, Level::kError) << "the parent did other things";
  seen().creator_awaits = true;
  EXPECT_EQ(analyze::Analyze(played_.run)[0].level, Level::kNote);
  seen().reaped_late = false;
  EXPECT_EQ(analyze::Analyze(played_.run)[0].level, Level::kError) << "nobody came";
  child().flags |= trace::kReaped;
  EXPECT_EQ(analyze::Analyze(played_.run)[0].level, Level::kNote);
}

TEST_F(ChildRules, AZombieOfAParentWithoutATraceIsToldWithoutItsFork) {
  played_.run.observed.push_back(Seen(300, kRoot, 30, "static-tool"));
  played_.run.observed.push_back(Seen(301, 300, 40, "tool-child"));
  played_.run.observed[3].zombie_ms = 3000;
  const std::vector<Finding> findings = analyze::Analyze(played_.run);
  ASSERT_THAT(findings, SizeIs(1));
  EXPECT_EQ(findings[0].processes[1].command, "static-tool");
  EXPECT_THAT(findings[0].explanation, HasSubstr("where it was started is not known"));
}

TEST_F(ChildRules, WithoutWhatWasSeenTheParentsMainThreadSaysWhatItDid) {
  seen().zombie_ms = 5200;
  root().threads[0].wait.kind = trace::WaitKind::kLock;
  root().threads[0].wait.lock = 0;
  const std::vector<Finding> findings = FindingsOf(played_.run, "child-zombie");
  ASSERT_THAT(findings, SizeIs(1));
  EXPECT_THAT(findings[0].explanation, HasSubstr("main thread waits for {lock:0}"));
}

TEST_F(ChildRules, ManyZombiesOfOneForkAreOneFinding) {
  for (int i = 1; i <= 5; ++i) {
    trace::Child more = child();
    more.pid += i;
    root().children.push_back(more);
    played_.run.observed.push_back(Seen(200 + i, kRoot, 20, "worker"));
    played_.run.observed.back().zombie_ms = 3000;
  }
  seen().zombie_ms = 3000;
  const std::vector<Finding> findings = analyze::Analyze(played_.run);
  ASSERT_THAT(findings, SizeIs(1));
  EXPECT_EQ(findings[0].count, 6U);
}

TEST_F(ChildRules, OtherPlaceOrOtherCommandIsAnotherFinding) {
  seen().zombie_ms = 3000;
  played_.run.observed.push_back(Seen(201, kRoot, 20, "other"));
  played_.run.observed.back().zombie_ms = 3000;
  trace::Child more = child();
  more.pid = 201;
  root().children.push_back(more);
  EXPECT_THAT(Rules(), SizeIs(2));
}

TEST_F(ChildRules, AZombieIsJudgedWhenTheRunIsOver) {
  seen().zombie_ms = 5200;
  played_.run.over = false;
  root().ended = false;
  root().end = trace::End::kNone;
  EXPECT_THAT(Rules(), IsEmpty());
}

TEST_F(ChildRules, LeftUnreapedByAParentThatEndedIsANote) {
  seen().status = 0;  // gordian had to reap it
  ChildEndsAt(100);
  const std::vector<Finding> findings = analyze::Analyze(played_.run);
  ASSERT_THAT(findings, SizeIs(1));
  EXPECT_STREQ(findings[0].rule->id, "child-zombie");
  EXPECT_EQ(findings[0].level, Level::kNote);
}

TEST_F(ChildRules, LeftUnreapedIsKnownFromTheChildsMarkOrFromOutsideToo) {
  seen().status = 0;
  EXPECT_THAT(Rules(), IsEmpty()) << "it may have ended after its parent";
  child().flags |= trace::kChildExited;
  EXPECT_THAT(Rules(), ElementsAre("child-zombie"));
  child().flags = 0;
  seen().zombie_ms = 50;
  EXPECT_THAT(Rules(), ElementsAre("child-zombie"));
}

TEST_F(ChildRules, NotLeft) {
  ChildEndsAt(100);
  EXPECT_THAT(Rules(), IsEmpty()) << "SIGCHLD ignored: nobody had to reap it";
  seen().status = 0;
  child().flags = trace::kReaped;
  EXPECT_THAT(Rules(), IsEmpty());
  child().flags = trace::kReapedInside;
  EXPECT_THAT(Rules(), IsEmpty()) << "system() waits itself";
  child().flags = 0;
  root().end = trace::End::kNone;
  EXPECT_THAT(Rules(), IsEmpty()) << "the parent was killed";
  root().end = trace::End::kExit;
  played_.run.ended_by_gordian = true;
  EXPECT_THAT(Rules(), IsEmpty());
}

TEST_F(ChildRules, ThatEndedAfterItsParentWasNotLeft) {
  seen().status = 0;
  ChildEndsAt(9500);
  EXPECT_THAT(Rules(), IsEmpty());
}

TEST_F(ChildRules, AnOrphanIsAWarning) {
  seen().outlived_ms = 2500;
  const std::vector<Finding> findings = analyze::Analyze(played_.run);
  ASSERT_THAT(findings, SizeIs(1));
  EXPECT_STREQ(findings[0].rule->id, "child-orphan");
  EXPECT_EQ(findings[0].level, Level::kWarning);
  EXPECT_EQ(findings[0].processes[0].created.stack, child().stack);
}

TEST_F(ChildRules, StillAliveWhenTheGraceTimeIsOverIsAnOrphan) {
  seen().outlived_ms = 1950;
  EXPECT_THAT(Rules(), IsEmpty());
  seen().alive_at_end = true;
  EXPECT_THAT(Rules(), ElementsAre("child-orphan"));
  seen().outlived_ms = 500;
  EXPECT_THAT(Rules(), IsEmpty()) << "its parent ended just before the run";
}

TEST_F(ChildRules, Daemons) {
  seen().outlived_ms = 9000;
  seen().own_session = true;
  EXPECT_THAT(Rules(), IsEmpty());
  seen().own_session = false;
  child().flags = trace::kChildSetsid;
  EXPECT_THAT(Rules(), IsEmpty());
  child().flags = 0;
  child().how = trace::ChildHow::kDaemon;
  EXPECT_THAT(Rules(), IsEmpty());
}

TEST_F(ChildRules, OfADoubleForkTheOneBetweenCallsSetsid) {
  played_.run.observed.push_back(Seen(201, 200, 30, "daemon"));
  played_.run.observed.back().outlived_ms = 9000;
  EXPECT_THAT(Rules(), ElementsAre("child-orphan"));
  seen().own_session = true;
  EXPECT_THAT(Rules(), IsEmpty());
  seen().own_session = false;
  child().flags = trace::kChildSetsid;
  EXPECT_THAT(Rules(), IsEmpty());
}

TEST_F(ChildRules, WhatGordianItselfInheritedOrStartedIsSilent) {
  seen().creator = kGordian;
  seen().outlived_ms = 9000;
  seen().zombie_ms = 9000;
  EXPECT_THAT(Rules(), IsEmpty());
  played_.run.observed[0].outlived_ms = 9000;
  played_.run.observed[0].zombie_ms = 9000;
  EXPECT_THAT(Rules(), IsEmpty());
}

TEST_F(ChildRules, AReusedPidBelongsToTheNearestCall) {
  // The first 200 was reaped; the second one, made later elsewhere, is a zombie.
  trace::Child later = child();
  later.start_ns = 5000 * kMillisecond;
  later.stack = 0;
  child().flags |= trace::kReaped;
  root().children.push_back(later);
  played_.run.observed.push_back(Seen(200, kRoot, 5000, "worker"));
  played_.run.observed.back().zombie_ms = 3000;
  const std::vector<Finding> findings = analyze::Analyze(played_.run);
  ASSERT_THAT(findings, SizeIs(1));
  EXPECT_EQ(findings[0].processes[0].created.stack, 0);
}

TEST_F(ChildRules, ACallThatTellsNoPidMeansTheNextProcessOfItsParent) {
  child().pid = 0;
  child().how = trace::ChildHow::kPopen;
  child().start_ns = 27 * kMillisecond;  // the kernel's tick says 20
  seen().zombie_ms = 3000;
  EXPECT_EQ(analyze::Analyze(played_.run).at(0).processes[0].created.stack, child().stack);
  EXPECT_EQ(analyze::Analyze(played_.run).at(0).processes[0].created_how, "popen()");
  child().start_ns = 35 * kMillisecond;
  EXPECT_EQ(analyze::Analyze(played_.run).at(0).processes[0].created.stack, trace::kNoIndex)
      << "began before the call";
  child().start_ns = 20 * kMillisecond;
  seen().start_ns = 90 * kMillisecond;
  EXPECT_EQ(analyze::Analyze(played_.run).at(0).processes[0].created.stack, trace::kNoIndex)
      << "began too late";
  seen().start_ns = 25 * kMillisecond;
  seen().creator = 555;
  EXPECT_EQ(analyze::Analyze(played_.run).at(0).processes[0].created.stack, trace::kNoIndex)
      << "another's child";
}

TEST_F(ChildRules, ACallThatFailedMadeNothing) {
  child().flags |= trace::kCreateFailed;
  seen().zombie_ms = 3000;
  EXPECT_EQ(analyze::Analyze(played_.run).at(0).processes[0].created.stack, trace::kNoIndex);
}

TEST_F(ChildRules, TheGraceTimeIsAnOption) {
  seen().zombie_ms = 300;
  analyze::Options options;
  options.grace_ms = 200;
  EXPECT_THAT(analyze::Analyze(played_.run, options), SizeIs(1));
}

}  // namespace
}  // namespace gordian::test
