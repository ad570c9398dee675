// The cycles that are not reported, and the reasons that are given for that.
#include "libsync/analyze/near_misses.h"

#include <gmock/gmock.h>

#include <string>
#include <tuple>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/analyze/judge.h"
#include "tests/support/event_script.h"

namespace gordian::test {
namespace {

using analyze::Finding;
using analyze::NearMisses;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr char kCreate[] = "1:create(2,detached) 1:create(3,detached) ";

// The condition that does not hold, of each.
std::vector<std::string> Reasons(const trace::Run& run) {
  std::vector<std::string> reasons;
  for (const Finding& near_miss : NearMisses(run)) {
    EXPECT_THAT(near_miss.conditions, SizeIs(1));
    EXPECT_FALSE(near_miss.conditions.at(0).holds);
    reasons.push_back(near_miss.conditions.at(0).name);
  }
  return reasons;
}

std::vector<std::string> Reasons(const std::string& script) {
  return Reasons(Play(absl::StrCat(kCreate, script)).run);
}

TEST(NearMisses, NameTheConditionThatDoesNotHold) {
  EXPECT_THAT(Reasons("2:+G 2:+A 2:+B 2:-B 2:-A 2:-G 3:+G 3:+B 3:+A 3:-A 3:-B 3:-G"),
              ElementsAre("no-common-gate"));
  EXPECT_THAT(Reasons("2:+A 2:+B 2:-B 2:-A 2:+B 2:+A 2:-A 2:-B"),
              ElementsAre("distinct-threads", "distinct-threads"));
  EXPECT_THAT(Reasons("A=rwlock B=rwlock 2:+A/r 2:+B 2:-B 2:-A 3:+B/r 3:+A/r 3:-A 3:-B"),
              ElementsAre("modes-conflict"));
  EXPECT_THAT(Reasons("1:+A 1:+B 1:-B 1:-A 1:create(4,detached) 4:+B 4:+A 4:-A 4:-B"),
              ElementsAre("may-overlap"));
}

TEST(NearMisses, NameLocksThreadsAndPlaces) {
  const std::vector<Finding> near_misses = NearMisses(
      Play(absl::StrCat(kCreate, "2:+G 2:+A 2:+B 2:-B 2:-A 2:-G 3:+G 3:+B 3:+A 3:-A 3:-B 3:-G")).run);
  ASSERT_THAT(near_misses, SizeIs(1));
  EXPECT_THAT(near_misses[0].title, HasSubstr("opposite orders"));
  EXPECT_THAT(near_misses[0].locks, SizeIs(3));  // and the gate
  ASSERT_THAT(near_misses[0].threads, SizeIs(2));
  for (const analyze::ThreadPart& part : near_misses[0].threads) {
    EXPECT_THAT(part.holds, SizeIs(1));
    EXPECT_NE(part.waits.stack.stack, analyze::kNoIndex);
  }
}

TEST(NearMisses, FindingsAreNone) {
  EXPECT_THAT(Reasons("2:+A 2:+B 2:-B 2:-A 3:+B 3:+A 3:-A 3:-B"), IsEmpty());
  EXPECT_THAT(Reasons("2:+A 2:+B 2:-B 2:-A 2:gives(S) 3:takes(S) 3:+B 3:+A 3:-A 3:-B"), IsEmpty());
  EXPECT_THAT(Reasons("2:+A 2:+B 2:-B 2:-A 3:+A 3:+B 3:-B 3:-A"), IsEmpty());
}

TEST(NearMisses, ManyOfTheSameClassesAreOne) {
  std::string script = "G=class:G ";
  for (const char* pair : {"1", "2", "3"}) {
    absl::StrAppend(&script, absl::StrCat("A", pair, "=class:A B", pair, "=class:B "));
    for (const auto& [thread, first, second] : {std::tuple("2", "A", "B"), std::tuple("3", "B", "A")}) {
      for (const std::string& step :
           {absl::StrCat("+G"), absl::StrCat("+", first, pair), absl::StrCat("+", second, pair),
            absl::StrCat("-", second, pair), absl::StrCat("-", first, pair), absl::StrCat("-G")}) {
        absl::StrAppend(&script, thread, ":", step, " ");
      }
    }
  }
  const std::vector<Finding> near_misses = NearMisses(Play(absl::StrCat(kCreate, script)).run);
  ASSERT_THAT(near_misses, SizeIs(1));
  EXPECT_EQ(near_misses[0].count, 3);
}

TEST(NearMisses, OfSeveralProcesses) {
  const std::string common = "A=common B=common G=common ";
  EXPECT_THAT(Reasons(PlayTogether({{100, "1:fork(201) 1:fork(202) 1:reap(201) 1:reap(202)"},
                                    {201, common + "1:+G 1:+A 1:+B 1:-B 1:-A 1:-G", 500},
                                    {202, common + "1:+G 1:+B 1:+A 1:-A 1:-B 1:-G", 500}})),
              ElementsAre("no-common-gate"));
}

}  // namespace
}  // namespace gordian::test
