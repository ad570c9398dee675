// BuildReport on hand-made runs: names in texts, coverage, status, damaged references.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <string>
#include <vector>

#include "reports/report.h"

namespace gordian::report {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr analyze::Rule kRule = {"deadlock", analyze::Level::kError, analyze::Confidence::kConfirmed, "", ""};

trace::Process HealthyProcess(int32_t pid) {
  trace::Process process;
  process.pid = pid;
  process.executable = "/opt/app";
  process.flags = trace::kHooksWork | trace::kTagsWork;
  process.threads.resize(2);
  process.threads[0].flags = trace::kMainThread;
  process.threads[0].tid = pid;
  process.threads[1].tid = pid + 1;
  process.threads[1].name = "{lock:0}";
  process.locks.resize(1);
  process.locks[0].kind = trace::LockKind::kMutex;
  process.locks[0].flags = trace::kRobust;
  process.locks[0].name = "orders";
  return process;
}

ReportFinding BuildOne(const trace::Run& run, const analyze::Finding& finding) {
  return BuildReport(run, {finding}, {}).findings.at(0);
}

TEST(BuildTest, FillsNamesIntoTextsOnce) {
  trace::Run run;
  run.processes = {HealthyProcess(10)};
  analyze::Finding finding;
  finding.rule = &kRule;
  finding.locks = {{0, 0}};
  finding.threads.resize(2);
  finding.threads[0].process = finding.threads[1].process = 0;
  finding.threads[0].thread = 0;
  finding.threads[1].thread = 1;
  finding.threads[1].waits.kind = trace::WaitKind::kJoin;
  finding.threads[1].waits.thread = 0;
  finding.processes.resize(1);
  finding.processes[0].pid = 12;
  finding.processes[0].command = "/bin/sleep --token abc";
  finding.title = "{thread:0} and {thread:1} want {lock:0} of {process:0}";
  finding.explanation = "{lock:7} {thread:-1} {other:0} {lock:} {lock:0";
  const ReportFinding built = BuildOne(run, finding);
  EXPECT_EQ(built.title, "main and {lock:0} (tid 11) want orders of sleep (pid 12)");
  EXPECT_EQ(built.explanation, "{lock:7} {thread:-1} {other:0} {lock:} {lock:0")
      << "what names nothing stays";
  EXPECT_EQ(built.locks.at(0).kind, "robust mutex");
  EXPECT_EQ(built.threads.at(1).waits.target, "T1");
  EXPECT_EQ(built.processes.at(0).command, "/bin/sleep --token ***");
  EXPECT_EQ(built.suppression, "deadlock:orders @" + built.fingerprint);
}

TEST(BuildTest, ThreadsOfSeveralProcessesSayWhichTheyBelongTo) {
  trace::Run run;
  run.processes = {HealthyProcess(10), HealthyProcess(20)};
  analyze::Finding finding;
  finding.rule = &kRule;
  finding.threads.resize(2);
  finding.threads[0].process = 0;
  finding.threads[1].process = 1;
  finding.threads[0].thread = finding.threads[1].thread = 0;
  finding.title = "{thread:0}, {thread:1}";
  EXPECT_EQ(BuildOne(run, finding).title, "main (pid 10, app), main (pid 20, app)");
}

TEST(BuildTest, SurvivesReferencesToNothing) {
  trace::Run run;
  run.processes = {HealthyProcess(10)};
  analyze::Finding finding;
  finding.rule = &kRule;
  finding.title = "{lock:0} {thread:0}";
  finding.locks = {{5, 0}, {0, 99}, {trace::kNoIndex, trace::kNoIndex}};
  finding.threads.resize(1);
  finding.threads[0].process = 0;
  finding.threads[0].thread = 77;
  finding.threads[0].holds = {{0, trace::Mode::kShared, {0, 55}}};
  finding.threads[0].waits.kind = trace::WaitKind::kProcess;
  finding.threads[0].waits.process = 3;
  finding.interleaving.resize(1);
  finding.identity = {{9, 9}, {0, 1000}};
  const ReportFinding built = BuildOne(run, finding);
  EXPECT_EQ(built.title, "a lock (1) a thread");
  EXPECT_EQ(built.fingerprint.size(), 16U);
  EXPECT_FALSE(ToJson(BuildReport(run, {finding}, {})).empty());
}

TEST(BuildTest, OneFingerprintIsOneFindingWithACount) {
  trace::Run run;
  run.processes = {HealthyProcess(10), HealthyProcess(20), HealthyProcess(30)};
  run.processes[2].locks[0].name = "invoices";
  std::vector<analyze::Finding> findings(4);
  for (size_t i = 0; i < findings.size(); ++i) {
    findings[i].rule = &kRule;
    findings[i].title = "{thread:0} and {lock:0}";
    findings[i].locks = {{static_cast<trace::Index>(i % 3), 0}};
    findings[i].threads.resize(1);
    findings[i].threads[0].process = static_cast<trace::Index>(i % 3);
    findings[i].threads[0].thread = static_cast<trace::Index>(i % 2);
  }
  findings[1].count = 5;
  findings[3].level = analyze::Level::kWarning;
  const std::vector<ReportFinding> built = BuildReport(run, findings, {}).findings;
  ASSERT_EQ(built.size(), 2U);
  EXPECT_EQ(built[0].title, "main (pid 10, app) and orders");
  EXPECT_EQ(built[0].count, 7U) << "of two processes, one of them five times";
  EXPECT_EQ(built[0].level, "error") << "the worst of them";
  EXPECT_EQ(built[1].title, "main (pid 30, app) and invoices") << "another lock";
}

TEST(BuildTest, AConditionThatFailsOnlyLowersTheLevel) {
  trace::Run run;
  run.processes = {HealthyProcess(10), HealthyProcess(20)};
  std::vector<analyze::Finding> findings(2);
  for (size_t i = 0; i < findings.size(); ++i) {
    findings[i].rule = &kRule;
    findings[i].title = "{lock:0}";
    findings[i].locks = {{static_cast<trace::Index>(i), 0}};
  }
  findings[0].level = analyze::Level::kWarning;
  findings[0].conditions = {{"no-soft-order", false, "something was handed over"}};
  const std::vector<ReportFinding> built = BuildReport(run, findings, {}).findings;
  ASSERT_EQ(built.size(), 1U) << "one fingerprint is one finding";
  EXPECT_EQ(built[0].level, "error");
  EXPECT_EQ(built[0].count, 2U);
  BuildOptions of_near_misses;
  of_near_misses.near_misses = true;
  EXPECT_EQ(BuildReport(run, findings, of_near_misses).findings.size(), 2U)
      << "they cannot happen for two reasons";
}

TEST(BuildTest, SaysHowTheProgramEnded) {
  trace::Run run;
  EXPECT_EQ(BuildReport(run, {}, {}).run.status, "running");
  run.over = true;
  EXPECT_EQ(BuildReport(run, {}, {}).run.status, "ended");
  run.root_status = 3 << 8;
  EXPECT_EQ(BuildReport(run, {}, {}).run.status, "exited 3");
  run.root_status = SIGTERM;
  EXPECT_EQ(BuildReport(run, {}, {}).run.status, "killed by SIGTERM");
  run.root_status = 40;
  EXPECT_EQ(BuildReport(run, {}, {}).run.status, "killed by signal 40");
  run.ended_by_gordian = true;
  EXPECT_EQ(BuildReport(run, {}, {}).run.status, "ended by gordian");
}

TEST(BuildTest, TellsTimeInUtc) {
  trace::Run run;
  run.start_real_ns = 1772360430ULL * 1000000000ULL + 999;
  run.duration_ns = 1500000000;
  const Report report = BuildReport(run, {}, {});
  EXPECT_EQ(report.run.started, "2026-03-01T10:20:30Z");
  EXPECT_DOUBLE_EQ(report.run.seconds, 1.5);
}

TEST(BuildTest, RedactsCommandsUnlessToldOtherwise) {
  trace::Run run;
  run.command = {"app", "--password", "x"};
  EXPECT_THAT(BuildReport(run, {}, {}).run.command, ElementsAre("app", "--password", "***"));
  BuildOptions options;
  options.redact = false;
  EXPECT_THAT(BuildReport(run, {}, options).run.command, ElementsAre("app", "--password", "x"));
}

TEST(CoverageTest, AHealthyRunHasNoGaps) {
  trace::Run run;
  run.processes = {HealthyProcess(10), HealthyProcess(10), HealthyProcess(20)};
  trace::Observed observed;
  observed.pid = 30;
  run.observed = {observed};
  const ReportCoverage coverage = BuildReport(run, {}, {}).coverage;
  EXPECT_THAT(coverage.unseen, IsEmpty());
  EXPECT_EQ(coverage.processes, 3U) << "two images of one process, one more, and one that left no trace";
  EXPECT_EQ(coverage.threads, 6U);
}

TEST(CoverageTest, ProcessIdsThatAreUsedAgain) {
  trace::Run run;
  run.processes = {HealthyProcess(10), HealthyProcess(10), HealthyProcess(10), HealthyProcess(20)};
  run.processes[0].start_ticks = run.processes[1].start_ticks = 100;
  run.processes[2].start_ticks = 200;
  run.processes[3].start_ticks = 100;
  trace::Observed observed;
  observed.pid = 10;  // its start was not seen: it may be either
  run.observed.push_back(observed);
  observed.start_ticks = 100;
  run.observed.push_back(observed);
  observed.start_ticks = 300;
  run.observed.push_back(observed);
  EXPECT_EQ(BuildReport(run, {}, {}).coverage.processes, 4U);
}

TEST(CoverageTest, EveryGapIsASentence) {
  trace::Run run;
  run.over = true;
  run.lost = {"something was lost"};
  run.processes.assign(8, HealthyProcess(10));
  for (size_t i = 0; i < run.processes.size(); ++i) {
    run.processes[i].pid = static_cast<int32_t>(10 + i);
  }
  run.processes[0].counters.records_dropped = 4;
  run.processes[1].counters.records_dropped = 1;
  run.processes[0].counters.stacks_skipped = 1;
  run.processes[2].flags |= trace::kRecorderOff;
  run.processes[2].off_reason = "a list was torn";
  run.processes[3].flags |= trace::kStorageFull;
  run.processes[4].flags = 0;
  run.processes[5].flags = trace::kHooksWork;
  run.processes[6].damage = "it is cut at 4096";
  run.processes[7].flags |= trace::kSeccomp;
  trace::Observed unseen;
  unseen.unseen = "statically linked";
  for (int i = 0; i < 7; ++i) {
    unseen.pid = 40 + i;
    unseen.command = "/opt/x" + std::to_string(i);
    run.observed.push_back(unseen);
  }
  trace::Observed alive;
  alive.pid = 50;
  alive.command = "sleep 99";
  alive.alive_at_end = true;
  run.observed.push_back(alive);
  const ReportCoverage coverage = BuildReport(run, {}, {}).coverage;
  EXPECT_EQ(coverage.dropped, 5U);
  for (const char* sentence :
       {"7 processes were not seen: /opt/x0, /opt/x1, /opt/x2 and 4 more (statically linked)",
        "1 process still ran when the report was made: sleep 99 (pid 50)",
        "5 records were dropped (no room left, or a signal handler took a lock while one was written) in app "
        "(pid 10), "
        "app (pid 11)",
        "1 stack could not be taken in app (pid 10)",
        "recording switched itself off in app (pid 12): a list was torn",
        "the trace ran out of room in app (pid 13): what came later is missing",
        "app (pid 14) did not pass through the hooks: nothing was seen of it",
        "the trace of app (pid 16) is damaged: it is cut at 4096", "something was lost"}) {
    EXPECT_THAT(coverage.unseen, Contains(sentence));
  }
  EXPECT_THAT(coverage.unseen, Contains(HasSubstr("address only in app (pid 15)")));
  EXPECT_THAT(coverage.unseen, Contains(HasSubstr("app (pid 17) set up a seccomp filter")));
  EXPECT_EQ(coverage.unseen.size(), 11U);
}

}  // namespace
}  // namespace gordian::report
