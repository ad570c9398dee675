// lock-held-by-killed-process: what a kill leaves locked, and what it does not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <string>
#include <utility>
#include <vector>

#include "tests/analyze/judge.h"

namespace gordian::test {
namespace {

using analyze::Finding;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

// Process 201 dies by `status`, as wait(2) gives it, after `script`; 100 forked it and uses the same lock.
trace::Run Died(const std::string& script, int status, const std::string& parent = "A=common 1:+A 1:-A") {
  trace::Run run = PlayTogether({{100, "1:fork(201) 1:reap(201) " + parent}, {201, script, 500}});
  run.processes[0].start_ticks = 1;
  run.processes[1].start_ticks = 50;
  for (trace::Process& process : run.processes) {
    trace::Observed observed;
    observed.pid = process.pid;
    observed.start_ticks = process.start_ticks;
    observed.start_ns = process.start_ns;
    run.observed.push_back(std::move(observed));
  }
  run.observed[1].status = status;
  return run;
}

std::vector<std::string> Rules(const trace::Run& run) {
  std::vector<std::string> rules;
  for (const Finding& finding : FindingsOf(run, "lock-held-by-killed-process")) {
    rules.emplace_back(finding.rule->id);
  }
  return rules;
}

TEST(Killed, InsideALockOfSeveralProcesses) {
  const std::vector<Finding> findings =
      FindingsOf(Died("A=common 1:+A", SIGKILL), "lock-held-by-killed-process");
  ASSERT_THAT(findings, SizeIs(1));
  EXPECT_EQ(findings[0].level, analyze::Level::kError);
  EXPECT_EQ(findings[0].confidence, analyze::Confidence::kConfirmed);
  EXPECT_THAT(findings[0].explanation, HasSubstr("SIGKILL, from outside the run"));
  EXPECT_THAT(
      Rules(Died("A=semaphore,locklike,common 1:+A", SIGTERM, "A=semaphore,locklike,common 1:+A 1:-A")),
      SizeIs(1));
}

TEST(Killed, ByWhom) {
  trace::Run run = Died("A=common 1:+A", SIGTERM);
  trace::Event kill;
  kill.kind = trace::EventKind::kKill;
  kill.thread = 0;
  kill.value = 201 | int64_t{SIGTERM} << 32;
  kill.time_ns = run.processes[1].end_ns;
  run.processes[0].events.push_back(kill);
  const std::vector<Finding> findings = FindingsOf(run, "lock-held-by-killed-process");
  ASSERT_THAT(findings, SizeIs(1));
  ASSERT_THAT(findings[0].threads, SizeIs(2));
  EXPECT_EQ(findings[0].threads[1].process, 0);
  EXPECT_EQ(findings[0].threads[1].role, "sent the signal");
  EXPECT_THAT(FindingsOf(Died("A=common 1:+A", SIGSEGV), "lock-held-by-killed-process").at(0).explanation,
              HasSubstr("a crash unless somebody outside the run sent it"));
}

TEST(Killed, ByASignalToItsGroup) {
  trace::Run run = Died("A=common 1:+A", SIGTERM);
  const auto send = [&run](int32_t target, trace::Index process) {
    trace::Event kill;
    kill.kind = trace::EventKind::kKill;
    kill.thread = 0;
    kill.value = static_cast<int64_t>(static_cast<uint32_t>(target)) | int64_t{SIGTERM} << 32;
    kill.time_ns = run.processes[1].end_ns;
    run.processes[static_cast<size_t>(process)].events.push_back(kill);
  };
  send(-201, 0);
  EXPECT_EQ(FindingsOf(run, "lock-held-by-killed-process").at(0).threads.at(1).role, "sent the signal");
  send(300, 1);
  EXPECT_EQ(FindingsOf(run, "lock-held-by-killed-process").at(0).threads.at(1).process, 0);
}

TEST(Killed, WhoWaits) {
  const std::vector<Finding> findings =
      FindingsOf(Died("A=common 1:+A", SIGKILL, "A=common 1:!A"), "lock-held-by-killed-process");
  ASSERT_THAT(findings, SizeIs(1));
  ASSERT_THAT(findings[0].threads, SizeIs(2));
  EXPECT_EQ(findings[0].threads[1].role, "waits for it");
}

// As it is seen while it goes on.
trace::Run Live(trace::Run run, bool settled) {
  run.over = false;
  run.processes[0].ended = false;
  for (trace::Thread& thread : run.processes[0].threads) {
    thread.settled = settled;
  }
  return run;
}

TEST(Killed, WhileTheRunGoesOnOnlyWhereSomebodyWaitsForGood) {
  EXPECT_THAT(Rules(Live(Died("A=common 1:+A", SIGKILL, "A=common 1:!A"), true)), SizeIs(1));
  EXPECT_THAT(Rules(Live(Died("A=common 1:+A", SIGKILL, "A=common 1:!A"), false)), IsEmpty());
  EXPECT_THAT(Rules(Live(Died("A=common 1:+A", SIGKILL, "A=common 1:!~A"), true)), IsEmpty());
  EXPECT_THAT(Rules(Live(Died("A=common 1:+A", SIGKILL), true)), IsEmpty());
}

TEST(Killed, ASemaphoreThatLetsOneInIsALock) {
  trace::Run run = Died("A=semaphore,one,common 1:+A", SIGKILL, "A=semaphore,one,common 1:!A");
  EXPECT_THAT(Rules(run), SizeIs(1));
  // Somebody may make it a signal yet, unless all wait.
  run = Live(std::move(run), true);
  EXPECT_THAT(Rules(run), IsEmpty());
  EXPECT_THAT(analyze::AnalyzeKilled(run), SizeIs(1));
  EXPECT_THAT(Rules(Died("A=semaphore,common 1:+A", SIGKILL, "A=semaphore,common 1:!A")), IsEmpty());
  EXPECT_THAT(Rules(Died("A=semaphore,one,common 1:+A", SIGKILL, "A=semaphore,one,handoff,common 1:!A")),
              IsEmpty());
}

TEST(Killed, NotReapedYet) {
  trace::Run run = Died("A=common 1:+A", 0, "A=common 1:!A");
  run.observed[1].status.reset();
  run.processes[0].children[0].flags &= static_cast<uint8_t>(~trace::kReaped);
  EXPECT_THAT(Rules(run), IsEmpty());
  run.observed[1].zombie_status = SIGKILL;
  EXPECT_THAT(Rules(run), SizeIs(1));
}

// A signal to the whole group, after the parent had reaped the holder.
TEST(Killed, WhoIsKilledLaterMissedIt) {
  trace::Run run = Died("A=common 1:+A", SIGKILL, "A=common 1:!A");
  run.observed[0].status = SIGINT;
  run.processes[0].children[0].reap_ns = run.processes[1].start_ns + 1;
  EXPECT_THAT(Rules(run), SizeIs(1));
  run.processes[0].children[0].reap_ns = 0;
  EXPECT_THAT(Rules(run), IsEmpty());
}

TEST(Killed, WhatIsNotLeftBehind) {
  EXPECT_THAT(Rules(Died("A=common 1:+A 1:-A", SIGKILL)), IsEmpty());
  EXPECT_THAT(Rules(Died("A=common,robust 1:+A", SIGKILL)), IsEmpty());
  EXPECT_THAT(Rules(Died("A=flock,common 1:+A", SIGKILL, "A=flock,common 1:+A 1:-A")), IsEmpty());
  // A lock of its own, one that nobody else uses, and one that somebody else has released since.
  EXPECT_THAT(Rules(Died("1:+A", SIGKILL)), IsEmpty());
  EXPECT_THAT(Rules(Died("A=common 1:+A", SIGKILL, "")), IsEmpty());
  EXPECT_THAT(Rules(Died("A=common 1:+A", SIGKILL, "A=common,handoff")), IsEmpty());
}

TEST(Killed, TogetherWithAllWhoUsedTheLock) {
  trace::Run run = Died("A=common 1:+A", SIGKILL);
  run.observed[0].status = SIGKILL;
  EXPECT_THAT(Rules(run), IsEmpty());
  EXPECT_THAT(Rules(Died("A=common 1:+A", SIGKILL, "A=common")), IsEmpty());
}

TEST(Killed, OnlyBySomebody) {
  EXPECT_THAT(Rules(Died("A=common 1:+A", 0)), IsEmpty());
  EXPECT_THAT(Rules(Died("A=common 1:+A 1:_exit", 0)), IsEmpty());
  trace::Run run = Died("A=common 1:+A", SIGKILL);
  for (trace::Observed& observed : run.observed) {
    observed.ended_by_gordian = true;
  }
  EXPECT_THAT(Rules(run), IsEmpty());
  for (trace::Observed& observed : run.observed) {
    observed.ended_by_gordian = false;
  }
  run.over = false;
  EXPECT_THAT(Rules(run), IsEmpty());
}

}  // namespace
}  // namespace gordian::test
