// Finds the cycles of the lock-order graph that can deadlock.
//
// A cycle of lock instances counts when one witness per edge can be chosen such that all of these hold:
//   distinct-threads   no thread stands in it twice
//   no-common-gate     no two witnesses act under different acquisitions of one lock (gates.h)
//   modes-conflict     every wait conflicts with how the next thread holds the lock. Where a waiting writer
//                      holds new readers up, a reader also waits for a reader, if there is a writer that can
//                      come between: a dependency of one more thread that meets the other conditions with all
//   may-overlap        some segments in which the witnesses were seen are ordered by no create, join, barrier
//                      or once (happens_before.h)
//   no-soft-order      nor by what a condition, a semaphore or a futex handed over. Cycles that fail this
//   alone are
//                      found as well, after all others, and say so
// A thread that is joined by whoever holds something is a lock too (order_view.h). It never waits for a lock
// that its joiner held already when it was created: that would have hung at once.
// All but the third are questions about two witnesses, and so is the third, so a path that fails them is left
// at once. That the wait can last for good (not try, not timed) holds for every dependency that is recorded,
// and that the lifetimes overlap follows from nodes being instances.
//
// Order: shortest first, then by component and lock index; each cycle once, begun at its lowest lock. A cycle
// of which every edge already stands in reported ones is left out: it says nothing new, and dense graphs have
// exponentially many of them.
//
// The search has a budget. When it is used up, what was found stands and `complete` is false.
//
// Thread safety: a function without shared state.
#ifndef GORDIAN_LIBSYNC_ANALYZE_CYCLE_SEARCH_H_
#define GORDIAN_LIBSYNC_ANALYZE_CYCLE_SEARCH_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "libsync/analyze/order_view.h"
#include "libsync/trace/run.h"

namespace gordian::analyze {

inline constexpr char kDistinctThreads[] = "distinct-threads";
inline constexpr char kNoCommonGate[] = "no-common-gate";
inline constexpr char kModesConflict[] = "modes-conflict";
inline constexpr char kMayOverlap[] = "may-overlap";
inline constexpr char kNoSoftOrder[] = "no-soft-order";
inline constexpr char kCanBlock[] = "can-block";

struct SearchLimits {
  uint64_t steps_per_component = 20'000'000;  // a step looks at one pair of witnesses or one edge
  uint64_t steps = 40'000'000;
  uint64_t witnesses = 2'000'000;  // of all edges that can be on a cycle; each thread has a share
  size_t cycles = 20'000;
  size_t pruned = 64;
};

// The thread of `dependency` holds the cycle's lock of this edge and wants the one of the next. All indices
// are those of the view.
struct CycleEdge {
  trace::Index dependency = trace::kNoIndex;
  trace::Index held = trace::kNoIndex;  // index into Dependency::held
  // The lock is held and wanted for reading: the dependency of the writer that queues between the two.
  trace::Index writer = trace::kNoIndex;
};

struct LockOrderCycle {
  std::vector<CycleEdge> edges;
  bool soft =
      false;  // in all that was seen a condition, a semaphore or a futex came between some of its steps
};

// A path or cycle of locks that is in the graph but in no deadlock, and the first reason.
struct PrunedPath {
  std::vector<trace::Index> locks;
  bool closed = false;    // a whole cycle; else a path, and with it every cycle through it
  std::string predicate;  // one of the names above
  // Whom it is about; kNoIndex where it is about all.
  trace::Index a = trace::kNoIndex;
  trace::Index b = trace::kNoIndex;
  trace::Index gate = trace::kNoIndex;  // of kNoCommonGate
  std::vector<CycleEdge> edges;         // an example of each step
};

struct CycleSearchResult {
  std::vector<LockOrderCycle> cycles;
  std::vector<PrunedPath> pruned;
  bool complete = true;
};

CycleSearchResult FindLockOrderCycles(const OrderView& view, const SearchLimits& limits = {});

}  // namespace gordian::analyze

#endif  // GORDIAN_LIBSYNC_ANALYZE_CYCLE_SEARCH_H_
