// Sizes that a search without reduction, grouping or bounds never ends on: these tests fail by their timeout.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "libsync/analyze/cycle_search.h"
#include "libsync/analyze/detector.h"
#include "libsync/analyze/happens_before.h"

namespace gordian::analyze {
namespace {

constexpr Index kRingLayers = 8;
constexpr Index kRingWidth = 10;
constexpr Index kChainThreads = 10000;

// A process with these many locks of one class and threads that all run at once.
trace::Process Crowd(int threads, int locks) {
  trace::Process process;
  process.ended = true;
  process.modules.push_back({"/program", "", 0, 0x100000, 0});
  for (uint64_t place = 0; place < 4; ++place) {
    process.stacks.push_back({{{0, place}}});
  }
  for (int t = 0; t < threads; ++t) {
    trace::Thread thread;
    thread.tid = t + 1;
    thread.flags = t == 0 ? static_cast<uint32_t>(trace::kMainThread) : 0;
    thread.creator = t == 0 ? kNoIndex : 0;
    process.threads.push_back(thread);
  }
  process.threads[0].segment = 1;
  for (int l = 0; l < locks; ++l) {
    trace::Lock lock;
    lock.kind = trace::LockKind::kMutex;
    lock.create_stack = 3;
    process.locks.push_back(lock);
  }
  return process;
}

void Add(trace::Process* process, Index thread, const std::vector<Index>& held, Index lock) {
  trace::Dependency dependency;
  dependency.thread = thread;
  dependency.lock = lock;
  dependency.stack = 1;
  dependency.segments = {0};
  for (const Index l : held) {
    dependency.held.push_back({l, 0, trace::Mode::kExclusive, 1, 0, kNoIndex});
  }
  process->dependencies.push_back(std::move(dependency));
}

TEST(Scale, AConsistentOrderOfManyLocks) {
  trace::Process process = Crowd(1000, 20000);
  std::mt19937 random(1);
  for (int d = 0; d < 100000; ++d) {
    std::set<Index> chain;
    while (chain.size() < 5) {
      chain.insert(static_cast<Index>(random() % 20000));
    }
    std::vector<Index> held(chain.begin(), chain.end());
    const Index last = held.back();
    held.pop_back();
    Add(&process, static_cast<Index>(random() % 1000), held, last);
  }
  const CycleSearchResult result = FindLockOrderCycles(OrderView(process));
  EXPECT_TRUE(result.cycles.empty());
  EXPECT_TRUE(result.complete);
}

TEST(Scale, ManyThreadsUnderOneGate) {
  trace::Process process = Crowd(10000, 3);
  for (Index thread = 1; thread < 10000; ++thread) {
    for (int again = 0; again < 5; ++again) {
      Add(&process, thread, {0, 1}, 2);
      Add(&process, thread, {0, 2}, 1);
    }
  }
  const CycleSearchResult result = FindLockOrderCycles(OrderView(process));
  EXPECT_TRUE(result.cycles.empty());
  EXPECT_TRUE(result.complete);
}

TEST(Scale, ManyAccountsLockedInAnyOrderAreOneFinding) {
  trace::Process process = Crowd(64, 1000);
  std::mt19937 random(2);
  for (int d = 0; d < 100000; ++d) {
    const auto from = static_cast<Index>(random() % 1000);
    const auto to = static_cast<Index>(random() % 1000);
    if (from != to) {
      Add(&process, static_cast<Index>(1 + random() % 63), {from}, to);
    }
  }
  trace::Run run;
  run.over = true;
  run.processes.push_back(std::move(process));
  const std::vector<Finding> findings = Analyze(run);
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_GT(findings[0].count, 1000U);
}

// Each of two threads holds forty locks and takes one more, in any order; alone it has more witnesses than
// are looked at.
TEST(Scale, ManyLocksHeldInAnyOrderAreSearchedInPart) {
  constexpr Index kHeld = 40;
  std::vector<Index> locks(4000);
  std::iota(locks.begin(), locks.end(), 0);
  trace::Process process = Crowd(3, static_cast<int>(locks.size()));
  std::mt19937 random(5);
  for (Index thread = 1; thread <= 2; ++thread) {
    for (int round = 0; round < 600; ++round) {
      std::shuffle(locks.begin(), locks.end(), random);
      for (auto held = locks.begin(); locks.end() - held > kHeld; held += kHeld) {
        Add(&process, thread, {held, held + kHeld}, held[kHeld]);
      }
    }
  }
  trace::Run run;
  run.over = true;
  run.processes.push_back(std::move(process));
  Options options;
  std::vector<std::string> left_out;
  options.left_out = &left_out;
  EXPECT_EQ(Analyze(run, options).size(), 1U) << "those of the second thread were left out";
  EXPECT_EQ(left_out.size(), 1U);
}

TEST(Scale, ManyPairsInManyComponents) {
  trace::Process process = Crowd(3, 100000);
  for (Index pair = 0; pair < 50000; ++pair) {
    Add(&process, 1, {2 * pair}, 2 * pair + 1);
    Add(&process, 2, {2 * pair + 1}, 2 * pair);
  }
  SearchLimits limits;
  limits.cycles = 100000;
  EXPECT_EQ(FindLockOrderCycles(OrderView(process), limits).cycles.size(), 50000U);
}

TEST(Scale, ARingOfAThousandPhilosophers) {
  trace::Process process = Crowd(1001, 1000);
  for (Index seat = 0; seat < 1000; ++seat) {
    Add(&process, seat + 1, {seat}, (seat + 1) % 1000);
  }
  const CycleSearchResult result = FindLockOrderCycles(OrderView(process));
  ASSERT_EQ(result.cycles.size(), 1U);
  EXPECT_EQ(result.cycles[0].edges.size(), 1000U);
}

// Ten to the eighth rings of locks, and in each of them one thread would have to stand twice.
TEST(Scale, AKnotOfHopelessRingsStopsAtItsBudget) {
  trace::Process process = Crowd(kRingLayers + 1, kRingLayers * kRingWidth);
  for (Index layer = 0; layer < kRingLayers; ++layer) {
    const Index thread = layer + 1 < kRingLayers ? layer + 1 : 2;
    for (Index from = 0; from < kRingWidth; ++from) {
      for (Index to = 0; to < kRingWidth; ++to) {
        Add(&process, thread, {layer * kRingWidth + from}, (layer + 1) % kRingLayers * kRingWidth + to);
      }
    }
  }
  // As many threads as layers, so that counting them does not settle it.
  Add(&process, kRingLayers, {3 * kRingWidth}, 4 * kRingWidth);
  // Another component, after it: the knot must not starve it.
  trace::Lock lock = process.locks.front();
  process.locks.insert(process.locks.end(), 2, lock);
  Add(&process, 1, {kRingLayers * kRingWidth}, kRingLayers * kRingWidth + 1);
  Add(&process, 2, {kRingLayers * kRingWidth + 1}, kRingLayers * kRingWidth);
  const CycleSearchResult result = FindLockOrderCycles(OrderView(process));
  EXPECT_EQ(result.cycles.size(), 1U);
  EXPECT_FALSE(result.complete);
}

// Threads made and joined one after the other: every pair is ordered, none is alike.
TEST(Scale, TenThousandThreadsOneAfterTheOther) {
  trace::Process process = Crowd(10001, 2);
  for (Index thread = 1; thread <= 10000; ++thread) {
    trace::Thread& itself = process.threads[static_cast<size_t>(thread)];
    itself.creator_segment = static_cast<uint32_t>(2 * (thread - 1));
    itself.joiner = 0;
    itself.joiner_segment = static_cast<uint32_t>(2 * thread);
    itself.state = trace::ThreadState::kFinished;
    itself.flags = trace::kJoined;
    Add(&process, thread, {thread % 2}, 1 - thread % 2);
  }
  process.threads[0].segment = 20000;
  const CycleSearchResult result = FindLockOrderCycles(OrderView(process));
  EXPECT_TRUE(result.cycles.empty());
}

TEST(Scale, HappensBeforeNeedsNoSquareOfMemory) {
  trace::Process process = Crowd(kChainThreads + 1, 0);
  for (Index thread = 1; thread <= kChainThreads; ++thread) {
    trace::Thread& itself = process.threads[static_cast<size_t>(thread)];
    // A chain: each is made by the one before, and the last of all joins them all.
    itself.creator = thread - 1;
    itself.joiner = thread < kChainThreads ? kChainThreads : kNoIndex;
    itself.joiner_segment = static_cast<uint32_t>(thread);
  }
  HappensBefore order(process);
  for (Index thread = 1; thread + 1 < kChainThreads; thread += 29) {
    ASSERT_TRUE(order.MayOverlap(thread, 1, thread + 1, 1));
    ASSERT_TRUE(order.Ordered(thread, 0, thread + 1, 0));
    ASSERT_TRUE(order.Ordered(thread, 1, kChainThreads, static_cast<uint32_t>(thread)));
    ASSERT_LT(order.remembered(), size_t{4} << 20);
  }
}

TEST(Scale, TenThousandUnjoinedThreadsAreOneFinding) {
  trace::Process process = Crowd(10001, 0);
  process.end = trace::End::kExit;
  process.end_thread = 0;
  process.end_ns = 100;
  for (size_t thread = 1; thread < process.threads.size(); ++thread) {
    process.threads[thread].create_stack = 2;
    process.threads[thread].state = trace::ThreadState::kFinished;
    process.threads[thread].finish_ns = 50;
  }
  trace::Run run;
  run.over = true;
  run.processes.push_back(std::move(process));
  const std::vector<Finding> findings = Analyze(run);
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(findings[0].count, 10000U);
}

}  // namespace
}  // namespace gordian::analyze
