// lock-held-at-thread-exit, lock-held-at-process-exit, thread-unjoined, thread-running-at-exit.
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

TEST(LockHeldAtThreadExit, NamesThreadLockAndPlace) {
  const std::vector<Finding> findings =
      analyze::Analyze(Play("1:create(2) 2:+A@7 2:end 1:join(2) 1:exit").run);
  ASSERT_THAT(findings, SizeIs(1));
  EXPECT_STREQ(findings[0].rule->id, "lock-held-at-thread-exit");
  EXPECT_EQ(findings[0].level, Level::kError);
  ASSERT_THAT(findings[0].threads, SizeIs(1));
  ASSERT_THAT(findings[0].threads[0].holds, SizeIs(1));
  EXPECT_EQ(findings[0].identity, std::vector{findings[0].threads[0].holds[0].stack});
}

TEST(LockHeldAtThreadExit, SaysHowTheThreadEnded) {
  Played played = Play("1:create(2) 2:+A 2:end 1:join(2) 1:exit");
  played.thread(2).flags |= trace::kEndedByExit;
  EXPECT_THAT(analyze::Analyze(played.run).at(0).explanation, HasSubstr("pthread_exit"));
  played.thread(2).flags |= trace::kCancelled;
  EXPECT_THAT(analyze::Analyze(played.run).at(0).explanation, HasSubstr("cancelled"));
}

TEST(LockHeldAtThreadExit, AlsoOfAThreadThatEndedWithoutTelling) {
  EXPECT_THAT(RulesOf("1:create(2,detached) 2:+A 2:gone 1:exit"), ElementsAre("lock-held-at-thread-exit"));
}

TEST(LockHeldAtThreadExit, OneFindingForManyThreads) {
  const std::vector<Finding> findings = analyze::Analyze(
      Play("A=class:a B=class:a 1:create(2) 1:create(3) 2:+A@7 3:+B@7 2:end 3:end 1:join(2) 1:join(3) 1:exit")
          .run);
  ASSERT_THAT(findings, SizeIs(1));
  EXPECT_EQ(findings[0].count, 2U);
}

TEST(LockHeldAtThreadExit, Silent) {
  EXPECT_THAT(RulesOf("A=robust 1:create(2) 2:+A 2:end 1:join(2) 1:exit"), IsEmpty());
  EXPECT_THAT(RulesOf("A=semaphore 1:create(2) 2:+A 2:end 1:join(2) 1:exit"), IsEmpty());
  EXPECT_THAT(RulesOf("A=interpreter 1:create(2) 2:+A 2:end 1:join(2) 1:exit"), IsEmpty());
  EXPECT_THAT(RulesOf("A=handoff 1:create(2) 2:+A 2:end 1:join(2) 1:exit"), IsEmpty());
  EXPECT_THAT(RulesOf("1:create(2) 2:+A 2:-A 2:end 1:join(2) 1:exit"), IsEmpty());
  // Caught inside its critical section by the end of the process.
  EXPECT_THAT(RulesOf("1:create(2,detached) 2:+A 1:exit"), IsEmpty());
  // The program still runs: it may release the lock in a destructor of thread-local data.
  EXPECT_THAT(RulesOf("live 1:create(2) 2:+A 2:end"), IsEmpty());
}

TEST(LockHeldAtThreadExit, NotWhenTheProcessEndedFirst) {
  Played played = Play("1:create(2,detached) 2:+A 2:end 1:exit");
  EXPECT_THAT(RulesOf(played.run), ElementsAre("lock-held-at-thread-exit"));
  played.thread(2).finish_ns = played.process().end_ns + 1;
  EXPECT_THAT(RulesOf(played.run), IsEmpty());
}

TEST(LockHeldAtProcessExit, OfTheThreadThatEndsTheProcess) {
  for (const char* end : {"1:exit", "1:_exit", "1:quick_exit"}) {
    const std::vector<Finding> findings = analyze::Analyze(Play(std::string("1:+A ") + end).run);
    ASSERT_THAT(findings, SizeIs(1)) << end;
    EXPECT_STREQ(findings[0].rule->id, "lock-held-at-process-exit");
    EXPECT_EQ(findings[0].level, Level::kWarning);
    EXPECT_NE(findings[0].threads[0].at.stack, trace::kNoIndex);
  }
  EXPECT_THAT(RulesOf("1:create(2,detached) 2:+A 2:exit"), ElementsAre("lock-held-at-process-exit"));
}

TEST(LockHeldAtProcessExit, Silent) {
  EXPECT_THAT(RulesOf("1:+A 1:abort"), IsEmpty());
  EXPECT_THAT(RulesOf("1:+A"), IsEmpty()) << "killed";
  EXPECT_THAT(RulesOf("A=semaphore 1:+A 1:exit"), IsEmpty());
  EXPECT_THAT(RulesOf("A=inherited:100 1:+A 1:_exit"), IsEmpty()) << "held by its parent at the fork";
  EXPECT_THAT(RulesOf("A=inherited:100 1:+A 1:exit"), IsEmpty());
  EXPECT_THAT(RulesOf("A=inherited:100 1:+A 1:+B 1:_exit"), ElementsAre("lock-held-at-process-exit"))
      << "its own lock";
}

// The process lived on for a while after its threads.
Played LivedOn(const std::string& script) {
  Played played = Play(script);
  played.process().end_ns += 1'000'000'000;
  return played;
}

TEST(ThreadUnjoined, LeftBehindByAProcessThatGoesOn) {
  for (const char* end : {"1:exit", "1:_exit", "1:quick_exit"}) {
    const std::vector<Finding> findings =
        analyze::Analyze(LivedOn(std::string("1:create(2) 2:end ") + end).run);
    ASSERT_THAT(findings, SizeIs(1)) << end;
    EXPECT_STREQ(findings[0].rule->id, "thread-unjoined");
    EXPECT_EQ(findings[0].level, Level::kError);
  }
}

TEST(ThreadUnjoined, TheSameVerdictWhetherTheThreadOrTheExitWasQuicker) {
  for (const char* script :
       {"1:create(2)@1 1:create(3)@1 2:end 3:end 1:exit", "1:create(2)@1 1:create(3)@1 1:exit",
        "1:create(2)@1 1:create(3)@1 3:end 1:exit"}) {
    const std::vector<Finding> findings = analyze::Analyze(Play(script).run);
    ASSERT_THAT(findings, SizeIs(1)) << script;
    EXPECT_STREQ(findings[0].rule->id, "thread-unjoined");
    EXPECT_EQ(findings[0].level, Level::kNote);
    EXPECT_EQ(findings[0].count, 2U);
  }
}

TEST(ThreadUnjoined, OneFindingForEachPlaceOfCreation) {
  const std::vector<Finding> findings =
      analyze::Analyze(LivedOn("1:create(2)@1 1:create(3)@1 1:create(4)@2 2:end 4:end 1:exit").run);
  ASSERT_THAT(findings, SizeIs(2));
  EXPECT_EQ(findings[0].count, 2U);
  EXPECT_EQ(findings[1].count, 1U);
}

TEST(ThreadUnjoined, Silent) {
  EXPECT_THAT(RulesOf("1:create(2) 2:end 1:join(2) 1:exit"), IsEmpty());
  EXPECT_THAT(RulesOf("1:create(2,detached) 2:end 1:exit"), IsEmpty());
  EXPECT_THAT(RulesOf("1:create(2) 1:detach(2) 2:end 1:exit"), IsEmpty());
  EXPECT_THAT(RulesOf("1:create(2) 2:end"), IsEmpty()) << "killed";
  EXPECT_THAT(RulesOf("1:create(2) 2:end 1:_exit"), IsEmpty()) << "cut off on purpose";
  EXPECT_THAT(RulesOf("1:create(2) 2:end 1:abort"), IsEmpty());
  EXPECT_THAT(RulesOf("live 1:create(2) 2:end"), IsEmpty());
  Played adopted = Play("1:create(2) 2:end 1:exit");
  adopted.thread(2).flags |= trace::kAdopted;
  EXPECT_THAT(RulesOf(adopted.run), IsEmpty());
}

TEST(ThreadUnjoined, TheMainThreadIsNeverMeant) {
  EXPECT_THAT(RulesOf("1:create(2,detached) 1:end 2:exit"), IsEmpty());
}

TEST(ThreadRunningAtExit, IsANoteThatSaysWhereItIs) {
  Played played = Play("1:create(2)@1 1:create(3)@1 1:+A 2:!A 1:-A 1:exit");
  played.thread(2).flags |= trace::kIdleAtEnd;
  const std::vector<Finding> findings = analyze::Analyze(played.run);
  ASSERT_THAT(findings, SizeIs(1));
  EXPECT_STREQ(findings[0].rule->id, "thread-running-at-exit");
  EXPECT_EQ(findings[0].level, Level::kNote);
  EXPECT_THAT(findings[0].explanation, HasSubstr("waits for {lock:0}"));
  EXPECT_NE(findings[0].threads[0].waits.stack.stack, trace::kNoIndex);
  EXPECT_EQ(findings[0].count, 2U) << "one pool, of which one thread was just about to wait";
}

TEST(ThreadRunningAtExit, ThatJoinsAnotherNamesIt) {
  Played played = Play("1:create(2) 1:create(3,detached) 2:!join(3) 1:exit");
  played.thread(2).flags |= trace::kIdleAtEnd;
  const std::vector<Finding> findings = analyze::Analyze(played.run);
  ASSERT_THAT(findings, SizeIs(1));
  ASSERT_THAT(findings[0].threads, SizeIs(2));
  EXPECT_EQ(findings[0].threads[0].waits.kind, trace::WaitKind::kJoin);
  EXPECT_EQ(findings[0].threads[0].waits.thread, 1);
}

TEST(ThreadRunningAtExit, Silent) {
  EXPECT_THAT(RulesOf("1:create(2,detached) 1:exit"), IsEmpty());
  EXPECT_THAT(RulesOf("1:create(2) 1:_exit"), IsEmpty());
  EXPECT_THAT(RulesOf("1:create(2) 2:exit"), IsEmpty()) << "the one that ends the process";
  EXPECT_THAT(RulesOf("live 1:create(2)"), IsEmpty());
}

}  // namespace
}  // namespace gordian::test
