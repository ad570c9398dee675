// The catalogue, the order of findings, and runs that make no sense.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <set>
#include <string>
#include <vector>

#include "tests/analyze/judge.h"
#include "tests/analyze/random_script.h"

namespace gordian::test {
namespace {

using analyze::Finding;
using testing::ElementsAre;

TEST(Rules, AreUniqueAndSayWhatToDo) {
  std::set<std::string> ids;
  for (const analyze::Rule& rule : analyze::Rules()) {
    EXPECT_TRUE(ids.insert(rule.id).second) << rule.id;
    EXPECT_EQ(&analyze::RuleById(rule.id), &rule);
    EXPECT_GT(std::string(rule.title).size(), 10U) << rule.id;
    EXPECT_EQ(std::string(rule.help).back(), '.') << rule.id;
  }
  EXPECT_DEATH(analyze::RuleById("no-such-rule"), "no-such-rule");
}

TEST(Analyze, ConfirmedFirstThenErrorsThenRulesThenCounts) {
  Played played = Play(
      "1:create(2)@1 1:create(3)@2 1:create(4)@2 1:create(5)@3 1:create(6,detached) 1:create(7,detached) "
      "2:end 3:end 4:end 6:+X 6:+Y 6:-Y 6:-X 7:+Y 7:+X 7:-X 7:-Y 1:+Z 1:exit");
  played.process().end_ns += 1'000'000'000;  // it lived on with the threads that had ended
  played.thread(5).flags |= trace::kIdleAtEnd;
  EXPECT_THAT(RulesOf(played.run),
              ElementsAre("thread-unjoined", "thread-unjoined", "lock-held-at-process-exit",
                          "thread-running-at-exit", "lock-order-cycle"));
}

// A damaged trace may point anywhere: nothing here may crash, whatever the indices say.
TEST(Analyze, SurvivesRunsThatMakeNoSense) {
  for (uint32_t seed = 0; seed < 3000; ++seed) {
    Played played = Play(RandomScript(seed, RandomShape{}).text() + " 1:fork(200)");
    trace::Process& process = played.process();
    std::mt19937 random(seed);
    const auto anywhere = [&random] { return static_cast<trace::Index>(random() % 12) - 2; };
    for (trace::Thread& thread : process.threads) {
      if (random() % 3 == 0) {
        thread.creator = anywhere();
        thread.joiner = anywhere();
        thread.joiner_segment = random() % 4;
        thread.creator_segment = random() % 4;
        thread.create_stack = anywhere();
      }
      if (random() % 3 == 0) {
        thread.held.push_back({anywhere(), anywhere(), trace::Mode::kExclusive, 1, 0, trace::kNoIndex});
        thread.wait.kind = static_cast<trace::WaitKind>(random() % 5);
        thread.wait.lock = anywhere();
        thread.wait.mutex = anywhere();
        thread.wait.thread = anywhere();
        thread.wait.reacquiring = random() % 2 == 0;
        thread.state = random() % 2 == 0 ? trace::ThreadState::kFinished : thread.state;
        thread.gone = random() % 4 == 0;
      }
    }
    for (trace::Dependency& dependency : process.dependencies) {
      if (random() % 3 == 0) {
        dependency.thread = anywhere();
        dependency.lock = anywhere();
        dependency.stack = anywhere();
        dependency.held.push_back({anywhere(), anywhere(), trace::Mode::kShared, 1, 0, trace::kNoIndex});
      }
    }
    for (trace::Lock& lock : process.locks) {
      lock.place.module = anywhere();
      lock.create_stack = anywhere();
    }
    for (uint32_t kind = 0; kind < 10; ++kind) {
      trace::Event event;
      event.kind = static_cast<trace::EventKind>(kind);
      event.thread = anywhere();
      event.lock = anywhere();
      event.other = anywhere();
      event.stack = anywhere();
      process.events.push_back(event);
    }
    process.children[0].others_held.push_back(
        {anywhere(), anywhere(), trace::Mode::kExclusive, 1, 0, anywhere()});
    process.children[0].thread = anywhere();
    process.end = static_cast<trace::End>(random() % 6);
    process.end_thread = anywhere();
    process.end_stack = anywhere();
    for (const Finding& finding : analyze::Analyze(played.run)) {
      EXPECT_FALSE(finding.title.empty());
    }
  }
}

TEST(Analyze, AnEmptyRunHasNoFindings) {
  EXPECT_TRUE(analyze::Analyze(trace::Run{}).empty());
  trace::Run run;
  run.over = true;
  run.processes.resize(3);
  run.observed.resize(2);
  EXPECT_TRUE(analyze::Analyze(run).empty());
}

}  // namespace
}  // namespace gordian::test
