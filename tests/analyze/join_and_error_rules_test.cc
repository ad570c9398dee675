// join-misuse and api-error: what a call answered decides.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <csignal>
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
using trace::JoinMisuse;

// Thread 3 joins or detaches thread 2, which thread 1 has joined.
Played WithCall(JoinMisuse misuse, int error) {
  Played played = Play("live 1:create(2) 1:create(3) 1:+A 2:end 1:join(2)");
  trace::Event event;
  event.kind = trace::EventKind::kJoinMisuse;
  event.thread = played.threads.at(3);
  event.other = misuse == JoinMisuse::kUnknown ? trace::kNoIndex : played.threads.at(2);
  event.value = static_cast<int64_t>(misuse);
  event.error = static_cast<uint32_t>(error);
  event.stack = 2;
  event.other_stack = misuse == JoinMisuse::kUnknown ? trace::kNoIndex : 1;
  played.process().events.push_back(event);
  return played;
}

TEST(JoinMisuse, ARefusedCallIsCertain) {
  for (const auto misuse : {JoinMisuse::kJoinedTwice, JoinMisuse::kJoinOfDetached, JoinMisuse::kDetachedTwice,
                            JoinMisuse::kDetachOfJoined}) {
    const std::vector<Finding> findings = analyze::Analyze(WithCall(misuse, ESRCH).run);
    ASSERT_THAT(findings, SizeIs(1));
    EXPECT_STREQ(findings[0].rule->id, "join-misuse");
    EXPECT_EQ(findings[0].level, Level::kError);
    EXPECT_THAT(findings[0].title, HasSubstr("{thread:1}"));
    EXPECT_THAT(findings[0].interleaving, SizeIs(2)) << "what was done first, and the call";
    EXPECT_THAT(findings[0].identity, SizeIs(2));
  }
}

TEST(JoinMisuse, AnUnknownThread) {
  const std::vector<Finding> findings = analyze::Analyze(WithCall(JoinMisuse::kUnknown, ESRCH).run);
  ASSERT_THAT(findings, SizeIs(1));
  EXPECT_THAT(findings[0].title, HasSubstr("does not exist"));
  EXPECT_THAT(findings[0].threads, SizeIs(1));
}

TEST(JoinMisuse, ACallThatHasNotComeBackSaysNothing) {
  Played played = WithCall(JoinMisuse::kJoinedTwice, 0);
  EXPECT_THAT(RulesOf(played.run), IsEmpty()) << "the id may be that of a thread we do not know";
  played.process().ended = true;
  EXPECT_THAT(RulesOf(played.run), IsEmpty());
  played.run.root_status = SIGTERM;
  EXPECT_THAT(RulesOf(played.run), IsEmpty());
  played.run.root_status = SIGSEGV;
  EXPECT_THAT(RulesOf(played.run), ElementsAre("join-misuse")) << "it crashed there";
}

TEST(JoinMisuse, TwoJoinsAtOnceAreWrongWhateverTheyReturn) {
  EXPECT_THAT(RulesOf(WithCall(JoinMisuse::kJoinedAtOnce, 0).run), ElementsAre("join-misuse"));
}

TEST(JoinMisuse, AUseOfAJoinedThreadHasNoEffectOrCrashes) {
  for (const auto misuse : {JoinMisuse::kCancelOfJoined, JoinMisuse::kSignalOfJoined}) {
    Played played = WithCall(misuse, 0);
    const std::vector<Finding> findings = analyze::Analyze(played.run);
    ASSERT_THAT(findings, SizeIs(1));
    EXPECT_EQ(findings[0].level, Level::kWarning);
    EXPECT_THAT(findings[0].interleaving, SizeIs(2)) << "the join, and the call";
    played.process().ended = true;
    played.run.root_status = SIGSEGV;
    EXPECT_EQ(analyze::Analyze(played.run).at(0).level, Level::kError);
  }
}

Played WithError(int error, const std::string& declare = "") {
  Played played = Play("live " + declare + " 1:+A 1:-A 1:+B 1:-B");
  trace::Event event;
  event.kind = trace::EventKind::kApiError;
  event.thread = 0;
  event.lock = played.locks.at("A");
  event.error = static_cast<uint32_t>(error);
  event.stack = 1;
  event.text = "pthread_mutex_lock";
  played.process().events.push_back(event);
  return played;
}

TEST(ApiError, NamesTheCallAndTheError) {
  const std::vector<Finding> findings = analyze::Analyze(WithError(EDEADLK).run);
  ASSERT_THAT(findings, SizeIs(1));
  EXPECT_STREQ(findings[0].rule->id, "api-error");
  EXPECT_EQ(findings[0].level, Level::kNote);
  EXPECT_EQ(findings[0].title, "pthread_mutex_lock() of {lock:0} returned EDEADLK");
}

TEST(ApiError, WithoutAnObjectAndWithAnUnknownNumber) {
  Played played = WithError(4711);
  played.process().events[0].lock = trace::kNoIndex;
  EXPECT_EQ(analyze::Analyze(played.run).at(0).title, "pthread_mutex_lock() returned error 4711");
}

TEST(ApiError, OneFindingForEachCallErrorAndPlace) {
  Played played = WithError(EINVAL);
  played.process().events.push_back(played.process().events[0]);
  played.process().events.push_back(played.process().events[0]);
  played.process().events.back().error = EPERM;
  std::vector<uint64_t> counts;
  for (const Finding& finding : analyze::Analyze(played.run)) {
    counts.push_back(finding.count);
  }
  EXPECT_THAT(counts, ElementsAre(2, 1));
}

TEST(ApiError, IsNotToldBesideTheMisuseItComesFrom) {
  Played played = WithError(EPERM);
  trace::Event misuse = played.process().events[0];
  misuse.kind = trace::EventKind::kUnlockNotHeld;
  played.process().events.push_back(misuse);
  EXPECT_THAT(RulesOf(played.run), ElementsAre("unlock-not-held"));
  played.process().events[1].stack = 2;
  EXPECT_THAT(RulesOf(played.run), ElementsAre("unlock-not-held", "api-error"));
}

TEST(ApiError, AnInterpretersLocksAreSilent) {
  EXPECT_THAT(RulesOf(WithError(EINVAL, "A=interpreter").run), IsEmpty());
}

}  // namespace
}  // namespace gordian::test
