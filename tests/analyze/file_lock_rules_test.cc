// What the rules make of locks on files: whom they belong to, who waits for whom, who gives them back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "tests/analyze/judge.h"

namespace gordian::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using trace::LockKind;

constexpr LockKind kFileKinds[] = {LockKind::kFlock, LockKind::kPosixFileLock, LockKind::kOpenFileLock};

// The script with lock A of this kind.
Played PlayWith(const std::string& script, LockKind kind) {
  Played played = Play(script);
  played.lock("A").kind = kind;
  return played;
}

std::vector<std::string> RulesWith(const std::string& script, LockKind kind) {
  return RulesOf(PlayWith(script, kind).run);
}

TEST(FileLocks, OfAProcessOrderNoThreadsOfIt) {
  const std::string script =
      "1:create(2) 1:create(3) 2:+A 2:+B 2:-B 2:-A 3:+B 3:+A 3:-A 3:-B 2:end 3:end 1:join(2) 1:join(3) "
      "1:exit";
  EXPECT_THAT(RulesWith(script, LockKind::kFlock), ElementsAre("lock-order-cycle"));
  EXPECT_THAT(RulesWith(script, LockKind::kOpenFileLock), ElementsAre("lock-order-cycle"));
  EXPECT_THAT(RulesWith(script, LockKind::kPosixFileLock), IsEmpty());
}

TEST(FileLocks, OfAProcessAreNoGateForItsThreads) {
  const std::string script =
      "1:create(2) 1:create(3) 2:+A 2:+B 2:+C 2:-C 2:-B 2:-A 3:+A 3:+C 3:+B 3:-B 3:-C 3:-A "
      "2:end 3:end 1:join(2) 1:join(3) 1:exit";
  EXPECT_THAT(RulesWith(script, LockKind::kFlock), IsEmpty());
  EXPECT_THAT(RulesWith(script, LockKind::kOpenFileLock), IsEmpty());
  EXPECT_THAT(RulesWith(script, LockKind::kPosixFileLock), ElementsAre("lock-order-cycle"));
}

TEST(FileLocks, OfAProcessAreAwaitedFromOthersOnly) {
  const std::string script = "live 1:create(2) 1:create(3) 2:+A 3:+B 2:!B 3:!A";
  EXPECT_THAT(RulesWith(script, LockKind::kFlock), ElementsAre("deadlock"));
  EXPECT_THAT(RulesWith(script, LockKind::kOpenFileLock), ElementsAre("deadlock"));
  EXPECT_THAT(RulesWith(script, LockKind::kPosixFileLock), IsEmpty());
}

TEST(FileLocks, ASecondDescriptionOfOneThreadWaitsForTheFirst) {
  EXPECT_THAT(RulesWith("live 1:+A 1:!A", LockKind::kFlock), ElementsAre("self-deadlock"));
  EXPECT_THAT(RulesWith("live 1:+A 1:!A", LockKind::kPosixFileLock), IsEmpty());
}

TEST(FileLocks, AConversionWaitsForTheOthers) {
  Played alone = PlayWith("live 1:+A/r 1:!A", LockKind::kOpenFileLock);
  alone.thread(1).wait.converts = true;
  EXPECT_THAT(RulesOf(alone.run), IsEmpty());

  const std::string script = "live 1:create(2) 1:create(3) 2:+A/r 3:+A/r 2:!A 3:!A";
  Played two = PlayWith(script, LockKind::kOpenFileLock);
  two.thread(2).wait.converts = true;
  two.thread(3).wait.converts = true;
  EXPECT_THAT(RulesOf(two.run), ElementsAre("deadlock"));
}

TEST(FileLocks, OfAThreadThatIsGoneAreNotAbandoned) {
  for (const LockKind kind : kFileKinds) {
    EXPECT_THAT(RulesWith("live 1:create(2,detached) 2:+A 2:end 1:!A", kind), IsEmpty());
  }
}

TEST(FileLocks, AreGivenBackByTheKernel) {
  for (const LockKind kind : kFileKinds) {
    EXPECT_THAT(RulesWith("1:create(2) 2:+A 2:end 1:join(2) 1:exit", kind), IsEmpty());
    EXPECT_THAT(RulesWith("1:+A 1:exit", kind), IsEmpty());
    EXPECT_THAT(RulesWith("1:create(2) 2:+A 1:fork(200) 2:-A 2:end 1:join(2) 1:exit", kind), IsEmpty());
  }
}

TEST(FileLocks, ThatAnotherThreadGaveBackAreSignals) {
  Played played = PlayWith(
      "1:create(2) 1:create(3) 2:+A 2:+B 2:-B 2:-A 3:+B 3:+A 3:-A 3:-B 2:end 3:end 1:join(2) 1:join(3) "
      "1:exit",
      LockKind::kFlock);
  played.lock("A").flags |= trace::kHandOff;
  EXPECT_THAT(RulesOf(played.run), IsEmpty());
}

}  // namespace
}  // namespace gordian::test
