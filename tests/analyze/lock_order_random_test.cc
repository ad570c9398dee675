// The search against a naive one, on random programs.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <tuple>
#include <vector>

#include "libsync/analyze/happens_before.h"
#include "tests/analyze/judge.h"
#include "tests/analyze/naive_judge.h"
#include "tests/analyze/random_script.h"

namespace gordian::test {
namespace {

using trace::Index;

struct Tally {
  int cycles = 0;
  int long_cycles = 0;
  int pruned_by_gate = 0;
  int pruned_by_order = 0;
  int pruned_by_mode = 0;
  int through_writers = 0;
  int through_joins = 0;
  int through_two_joins = 0;
};

void Compare(const std::string& script, Tally* tally) {
  const Played played = Play(script);
  const trace::Process& process = played.process();
  NaiveJudge naive(process);
  const analyze::OrderView view(process);
  const analyze::CycleSearchResult result = analyze::FindLockOrderCycles(view);
  std::vector<NaiveJudge::Cycle> found;
  for (const analyze::LockOrderCycle& cycle : result.cycles) {
    NaiveJudge::Cycle locks;
    std::vector<Index> witnesses;
    std::vector<Index> writers;
    int joins = 0;
    for (const analyze::CycleEdge& edge : cycle.edges) {
      const trace::Dependency& dependency = view.process().dependencies[static_cast<size_t>(edge.dependency)];
      const Index lock = dependency.held[static_cast<size_t>(edge.held)].lock;
      const analyze::OrderView::End* end = view.EndAt(lock);
      locks.push_back(end != nullptr ? kFirstEnd + end->thread : lock);
      joins += end != nullptr ? 1 : 0;
      witnesses.push_back(edge.dependency);
      if (edge.writer != trace::kNoIndex) {
        writers.push_back(edge.writer);
      }
    }
    EXPECT_TRUE(naive.IsDeadlock(witnesses, locks, &writers)) << script;
    tally->through_joins += joins > 0 ? 1 : 0;
    tally->through_two_joins += joins > 1 ? 1 : 0;
    tally->through_writers += writers.empty() ? 0 : 1;
    tally->long_cycles += locks.size() > 2 ? 1 : 0;
    found.push_back(std::move(locks));
  }
  // Of one length those of one component come together.
  std::vector<NaiveJudge::Cycle> expected = naive.Cycles();
  const auto by_length = [](const NaiveJudge::Cycle& a, const NaiveJudge::Cycle& b) {
    return std::tuple(a.size(), a) < std::tuple(b.size(), b);
  };
  std::sort(found.begin(), found.end(), by_length);
  std::sort(expected.begin(), expected.end(), by_length);
  ASSERT_EQ(found, expected) << script;
  EXPECT_TRUE(result.complete);
  tally->cycles += static_cast<int>(found.size());
  for (const analyze::PrunedPath& pruned : result.pruned) {
    tally->pruned_by_gate += pruned.predicate == analyze::kNoCommonGate ? 1 : 0;
    tally->pruned_by_order += pruned.predicate == analyze::kMayOverlap ? 1 : 0;
    tally->pruned_by_mode += pruned.predicate == analyze::kModesConflict ? 1 : 0;
  }
}

TEST(LockOrderRandom, FindsWhatANaiveSearchFinds) {
  Tally tally;
  for (uint32_t seed = 0; seed < 8000 && !HasFailure(); ++seed) {
    RandomShape shape;
    shape.events = 40 + static_cast<int>(seed % 160);
    shape.threads = 2 + static_cast<int>(seed % 5);
    shape.locks = 2 + static_cast<int>(seed % 4);
    shape.writer_locks = static_cast<int>(seed / 7 % 3);
    shape.joins_by_others = seed % 3 != 0;
    Compare(RandomScript(seed, shape).text(), &tally);
  }
  RecordProperty("cycles", tally.cycles);
  RecordProperty("long_cycles", tally.long_cycles);
  RecordProperty("pruned_by_gate", tally.pruned_by_gate);
  RecordProperty("pruned_by_order", tally.pruned_by_order);
  RecordProperty("pruned_by_mode", tally.pruned_by_mode);
  RecordProperty("through_writers", tally.through_writers);
  RecordProperty("through_joins", tally.through_joins);
  RecordProperty("through_two_joins", tally.through_two_joins);
  // The programs must reach every verdict, or the comparison says little.
  EXPECT_GT(tally.cycles, 500);
  EXPECT_GT(tally.long_cycles, 20);
  EXPECT_GT(tally.pruned_by_gate, 100);
  EXPECT_GT(tally.pruned_by_order, 100);
  EXPECT_GT(tally.pruned_by_mode, 20);
  EXPECT_GT(tally.through_writers, 20);
  EXPECT_GT(tally.through_joins, 100);
  EXPECT_GT(tally.through_two_joins, 10);
}

struct OrderTally {
  int ordered = 0;
  int unordered = 0;
};

// All pairs of segments of one random run.
void CompareOrders(const std::string& script, analyze::Order kind, OrderTally* tally) {
  const Played played = Play(script);
  const NaiveJudge naive(played.process(), kind == analyze::Order::kAsSeen);
  analyze::HappensBefore order(played.process(), nullptr, kind);
  const std::vector<trace::Thread>& threads = played.process().threads;
  const auto count = static_cast<Index>(threads.size());
  for (Index a = 0; a < count; ++a) {
    for (Index b = 0; b < count; ++b) {
      for (uint32_t i = 0; i <= threads[static_cast<size_t>(a)].segment; ++i) {
        for (uint32_t j = 0; j <= threads[static_cast<size_t>(b)].segment; ++j) {
          const bool expected = naive.Ordered(a, i, b, j);
          ASSERT_EQ(order.Ordered(a, i, b, j), expected) << a << "." << i << " " << b << "." << j << "\n"
                                                         << script;
          (expected ? tally->ordered : tally->unordered) += 1;
        }
      }
    }
  }
}

TEST(HappensBeforeRandom, AgreesWithTheClosureOfAllSegments) {
  OrderTally tally;
  for (uint32_t seed = 0; seed < 1500 && !HasFailure(); ++seed) {
    RandomShape shape;
    shape.events = 150;
    shape.threads = 4 + static_cast<int>(seed % 6);
    shape.locks = 1;
    shape.joins_by_others = seed % 4 != 0;
    CompareOrders(RandomScript(seed, shape).text(), analyze::Order::kEnforced, &tally);
  }
  EXPECT_GT(tally.ordered, 10000);
  EXPECT_GT(tally.unordered, 10000);
}

TEST(HappensBeforeRandom, AgreesWithTheClosureOfAllHandOvers) {
  OrderTally enforced;
  OrderTally as_seen;
  for (uint32_t seed = 0; seed < 100 && !HasFailure(); ++seed) {
    RandomShape shape;
    shape.events = 80;
    shape.threads = 4 + static_cast<int>(seed % 4);
    shape.locks = 1;
    shape.joins_by_others = seed % 4 != 0;
    shape.hand_overs = true;
    const std::string script = RandomScript(seed, shape).text();
    CompareOrders(script, analyze::Order::kEnforced, &enforced);
    CompareOrders(script, analyze::Order::kAsSeen, &as_seen);
  }
  EXPECT_GT(enforced.ordered, 1000);
  EXPECT_GT(as_seen.ordered, enforced.ordered);
  EXPECT_GT(as_seen.unordered, 1000);
}

}  // namespace
}  // namespace gordian::test
