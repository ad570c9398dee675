// semaphore-leaked: names that outlive a run.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "tests/analyze/judge.h"

namespace gordian::test {
namespace {

using analyze::Finding;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using trace::EventKind;

constexpr int64_t kSemaphore = 0;
constexpr int64_t kSharedMemory = 1;

struct Named {
  EventKind kind;
  uint64_t time_ns;
  std::string name = "/queue";
  int64_t what = kSemaphore;
  trace::Index stack = 1;
};

trace::Run WithNames(const std::vector<Named>& events, const char* script = "1:+A 1:-A 1:exit") {
  Played played = Play(script);
  for (const Named& named : events) {
    trace::Event event;
    event.kind = named.kind;
    event.thread = 0;
    event.value = named.what;
    event.time_ns = named.time_ns;
    event.text = named.name;
    event.stack = named.stack;
    played.process().events.push_back(event);
  }
  return std::move(played.run);
}

TEST(SemaphoreLeaked, NamesWhoCreatedIt) {
  const std::vector<Finding> findings =
      FindingsOf(WithNames({{EventKind::kNameCreated, 5}}), "semaphore-leaked");
  ASSERT_THAT(findings, SizeIs(1));
  EXPECT_EQ(findings[0].level, analyze::Level::kWarning);
  EXPECT_EQ(findings[0].title, "{thread:0} created the semaphore /queue, and nobody unlinked it");
  EXPECT_EQ(findings[0].threads[0].at.stack, 1);
}

TEST(SemaphoreLeaked, IsSilentOnceUnlinked) {
  EXPECT_THAT(RulesOf(WithNames({{EventKind::kNameCreated, 5}, {EventKind::kNameUnlinked, 6}})), IsEmpty());
  EXPECT_THAT(RulesOf(WithNames({{EventKind::kNameUnlinked, 5}})), IsEmpty());
  EXPECT_THAT(RulesOf(WithNames({{EventKind::kNameCreated, 5}, {EventKind::kNameUnlinked, 4}})),
              ElementsAre("semaphore-leaked"));
}

TEST(SemaphoreLeaked, AnotherProcessMayUnlink) {
  trace::Run run = WithNames({{EventKind::kNameCreated, 5}});
  trace::Process other = WithNames({{EventKind::kNameUnlinked, 9}}).processes[0];
  run.processes.push_back(other);
  EXPECT_THAT(RulesOf(run), IsEmpty());
}

TEST(SemaphoreLeaked, MemoryAndSemaphoresHaveNamesOfTheirOwn) {
  EXPECT_THAT(RulesOf(WithNames({{EventKind::kNameCreated, 5, "/a", kSharedMemory, 1},
                                 {EventKind::kNameUnlinked, 6, "/a", kSemaphore, 2}})),
              ElementsAre("semaphore-leaked"));
}

TEST(SemaphoreLeaked, NamesOfOnePlaceAreOneFinding) {
  const std::vector<Finding> findings =
      FindingsOf(WithNames({{EventKind::kNameCreated, 5, "/a"}, {EventKind::kNameCreated, 6, "/b"}}),
                 "semaphore-leaked");
  ASSERT_THAT(findings, SizeIs(1));
  EXPECT_EQ(findings[0].count, 2U);
}

TEST(SemaphoreLeaked, IsJudgedWhenTheRunIsOver) {
  EXPECT_THAT(RulesOf(WithNames({{EventKind::kNameCreated, 5}}, "live 1:+A 1:-A")), IsEmpty());
}

}  // namespace
}  // namespace gordian::test
