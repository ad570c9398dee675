// What orders the steps of a cycle: barriers and onces, which always do, and hand-overs by conditions and
// semaphores, which did in this run.
#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "libsync/analyze/detector.h"
#include "tests/analyze/judge.h"
#include "tests/support/event_script.h"

namespace gordian::test {
namespace {

using analyze::Condition;
using analyze::Finding;
using analyze::Level;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr char kCreate[] = "1:create(2,detached) 1:create(3,detached) ";
// Two threads in opposite orders, each at its own places.
constexpr char kAb[] = " 2:+A@1 2:+B@2 2:-B 2:-A ";
constexpr char kBa[] = " 3:+B@3 3:+A@4 3:-A 3:-B ";

std::string LevelWord(Level level) {
  return level == Level::kError ? "error" : level == Level::kWarning ? "warning" : "note";
}

// "rule level" of each finding.
std::vector<std::string> Verdicts(const trace::Run& run) {
  std::vector<std::string> result;
  for (const Finding& finding : analyze::Analyze(run)) {
    result.push_back(absl::StrCat(finding.rule->id, " ", LevelWord(finding.level)));
  }
  return result;
}

std::vector<std::string> Verdicts(const std::string& script) {
  return Verdicts(Play(absl::StrCat(kCreate, script)).run);
}

testing::Matcher<std::vector<std::string>> IsError() { return ElementsAre("lock-order-cycle error"); }
testing::Matcher<std::vector<std::string>> IsWarning() { return ElementsAre("lock-order-cycle warning"); }

TEST(SoftOrder, IsAWarningThatSaysSo) {
  const trace::Run run = Play(absl::StrCat(kCreate, kAb, "2:gives(S) 3:takes(S)", kBa)).run;
  EXPECT_THAT(Verdicts(run), IsWarning());
  const Finding finding = analyze::Analyze(run).at(0);
  EXPECT_THAT(finding.title, HasSubstr("a signal came between"));
  EXPECT_THAT(finding.conditions,
              testing::Contains(testing::AllOf(testing::Field(&Condition::name, "no-soft-order"),
                                               testing::Field(&Condition::holds, false))));
}

TEST(SoftOrder, OneObservationWithoutItIsAnError) {
  EXPECT_THAT(Verdicts(absl::StrCat(kAb, kBa)), IsError());
  EXPECT_THAT(Verdicts(absl::StrCat(kAb, "2:gives(S) 3:takes(S)", kBa, kAb)), IsError());
  EXPECT_THAT(Verdicts(absl::StrCat("2:gives(S) 3:takes(S)", kAb, kBa)), IsError());
  // It goes the other way.
  EXPECT_THAT(Verdicts(absl::StrCat(kAb, "3:gives(S) 2:takes(S)", kBa)), IsError());
}

TEST(SoftOrder, TurnByTurn) {
  const std::string there = "2:gives(S) 3:takes(S) ";
  const std::string back = "3:gives(R) 2:takes(R) ";
  EXPECT_THAT(Verdicts(absl::StrCat(kAb, there, kBa, back, kAb, there, kBa)), IsWarning());
}

TEST(SoftOrder, ByWayOfAThird) {
  EXPECT_THAT(Verdicts(absl::StrCat(kAb, "2:gives(S) 1:takes(S) 1:gives(R) 3:takes(R)", kBa)), IsWarning());
  EXPECT_THAT(Verdicts(absl::StrCat(kAb, "2:gives(S) 1:gives(R) 1:takes(S) 3:takes(R)", kBa)), IsError());
}

TEST(SoftOrder, AChildOfWhoWasHandedItFollowsToo) {
  EXPECT_THAT(Verdicts(absl::StrCat(kAb, "2:gives(S) 1:takes(S) 1:create(4,detached) 4:+B 4:+A 4:-A 4:-B")),
              IsWarning());
  EXPECT_THAT(
      Verdicts(absl::StrCat("2:create(4) 4:+A 4:+B 4:-B 4:-A 4:end 2:join(4) 2:gives(S) 3:takes(S)", kBa)),
      IsWarning());
}

TEST(SoftOrder, WhatASemaphoreHadFromTheStartCameFromNobody) {
  EXPECT_THAT(Verdicts(absl::StrCat(kAb, "2:gives(S,1) 3:takes(S)", kBa)), IsError());
  // The second one needs the post.
  EXPECT_THAT(Verdicts(absl::StrCat(kAb, "2:gives(S,1) 1:takes(S) 3:takes(S)", kBa)), IsWarning());
  // First in, first out.
  EXPECT_THAT(Verdicts(absl::StrCat("1:gives(S,0)", kAb, "2:gives(S,1) 3:takes(S)", kBa)), IsError());
}

TEST(SoftOrder, AWaitFollowsTheSignalsSinceItBegan) {
  const std::string condition = "C=condition ";
  EXPECT_THAT(Verdicts(absl::StrCat(condition, kAb, "2:gives(C,2) 3:takes(C,1)", kBa)), IsWarning());
  EXPECT_THAT(Verdicts(absl::StrCat(condition, kAb, "2:gives(C,1) 1:gives(C,2) 3:takes(C,1)", kBa)),
              IsError());
}

TEST(SoftOrder, OfAnInterpreterSaysNothing) {
  EXPECT_THAT(Verdicts(absl::StrCat("S=semaphore,interpreter ", kAb, "2:gives(S) 3:takes(S)", kBa)),
              IsError());
}

TEST(SoftOrder, BeyondWhatWasRecorded) {
  // What was seen before was ordered: there is no reason to think otherwise of the rest.
  EXPECT_THAT(Verdicts(absl::StrCat("S=semaphore,lost ", kAb, "2:gives(S) 3:takes(S)", kBa)), IsError());
  EXPECT_THAT(Verdicts(absl::StrCat("S=semaphore,lost ", kAb, "2:gives(S) 3:takes(S)", kBa,
                                    "2:gives(S) 3:takes(S)", kAb)),
              IsWarning());
  // Before the bound one of them came unordered.
  EXPECT_THAT(Verdicts(absl::StrCat("S=semaphore,lost ", kAb, kBa, "2:gives(S) 3:takes(S)", kAb)), IsError());
}

TEST(SoftOrder, InOneProcessAndNotInAnotherIsOneError) {
  const trace::Run run = PlayTogether({{100, "1:fork(201) 1:fork(202) 1:reap(201) 1:reap(202)"},
                                       {201, absl::StrCat(kCreate, kAb, "2:gives(S) 3:takes(S)", kBa), 500},
                                       {202, absl::StrCat(kCreate, kAb, kBa), 500}});
  EXPECT_THAT(Verdicts(run), IsError());
  EXPECT_EQ(analyze::Analyze(run).at(0).count, 2);
}

TEST(SoftOrder, OfTheJoinsOfACycleIsToldToo) {
  EXPECT_THAT(Verdicts("1:create(4) 4:+A 4:-A 4:gives(S) 3:takes(S) 3:+A 3:join(4) 3:-A"),
              ElementsAre("join-order-cycle warning"));
}

TEST(EnforcedOrder, ARoundOfABarrier) {
  EXPECT_THAT(Verdicts(absl::StrCat(kAb, "2:barrier(W,0) 3:barrier(W,0)", kBa)), IsEmpty());
  EXPECT_THAT(Verdicts(absl::StrCat(kAb, "2:barrier(W,0) 3:barrier(W,1)", kBa)), IsError());
  EXPECT_THAT(Verdicts(absl::StrCat("2:barrier(W,0) 3:barrier(W,0)", kAb, kBa)), IsError());
  EXPECT_THAT(Verdicts(absl::StrCat(kAb, "2:barrier(W,0) 1:barrier(W,0) 1:barrier(W,1) 3:barrier(W,1)", kBa)),
              IsEmpty());
}

TEST(EnforcedOrder, WhoComesPastAOnceFollowsItsRoutine) {
  EXPECT_THAT(Verdicts(absl::StrCat("O=once ", kAb, "2:gives(O) 3:takes(O)", kBa)), IsEmpty());
  EXPECT_THAT(Verdicts(absl::StrCat("O=once ", kAb, "2:gives(O)", kBa, "3:takes(O)")), IsError());
  EXPECT_THAT(Verdicts(absl::StrCat("O=once ", kAb, "2:gives(O) 3:takes(O)", kBa, kAb)), IsError());
}

TEST(OrderOfProcesses, ByWhatTheyShare) {
  const auto verdicts = [](const std::string& between) {
    const std::string objects = absl::StrCat("A=common B=common S=", between, ",common ");
    return Verdicts(PlayTogether(
        {{100, "1:fork(201) 1:fork(202) 1:reap(201) 1:reap(202)"},
         {201, objects + "1:+A 1:+B 1:-B 1:-A " + (between == "barrier" ? "1:barrier(S,0)" : "1:gives(S)"),
          500},
         {202, objects + (between == "barrier" ? "1:barrier(S,0)" : "1:takes(S)") + " 1:+B 1:+A 1:-A 1:-B",
          600}}));
  };
  EXPECT_THAT(verdicts("named,handoff"), IsWarning());
  EXPECT_THAT(verdicts("condition"), IsWarning());
  EXPECT_THAT(verdicts("barrier"), IsEmpty());
}

}  // namespace
}  // namespace gordian::test
