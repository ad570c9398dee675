// Which stretches of which threads of one Process can overlap in time, from thread creation and joins alone.
//
// A segment is a stretch of a thread between two of its creates and joins (trace/layout.h). A create orders
// the creator's segments up to creator_segment before the whole child; a join orders the whole joined thread
// before the joiner's segments from joiner_segment on. Releases, signals and posts order nothing here: they
// are a schedule that happened, not one that must.
//
// No vector clocks are stored: with T threads they need T*T numbers. Every thread has at most one creator and
// one joiner, so "a before b" is a walk: from a forward along joins, from b backward along creates, until
// both stand in one thread. Only threads that are joined by somebody else than their creator need a search
// downward. What a source segment reaches is remembered, within a bound.
//
// Thread safety: none (queries remember). The Process must outlive it unchanged.
#ifndef GORDIAN_LIBSYNC_ANALYZE_HAPPENS_BEFORE_H_
#define GORDIAN_LIBSYNC_ANALYZE_HAPPENS_BEFORE_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "libsync/trace/run.h"

namespace gordian::analyze {

class HappensBefore {
 public:
  explicit HappensBefore(const trace::Process& process);

  // All of segment i of thread a ends before segment j of thread b begins. For one thread: i <= j.
  bool Ordered(trace::Index a, uint32_t i, trace::Index b, uint32_t j);

  // Neither is ordered before the other. Never true of one thread with itself.
  bool MayOverlap(trace::Index a, uint32_t i, trace::Index b, uint32_t j) {
    return !Ordered(a, i, b, j) && !Ordered(b, j, a, i);
  }

  // Some stretches in which the two waits were seen are not ordered.
  bool MayOverlap(const trace::Dependency& a, const trace::Dependency& b);

  // Numbers remembered at this moment, for tests of the memory bound.
  size_t remembered() const { return remembered_; }

 private:
  // From which segment on a thread runs after the source.
  using Reach = absl::flat_hash_map<trace::Index, uint32_t>;

  const Reach& ReachOf(trace::Index thread, uint32_t segment);
  Reach Search(trace::Index thread, uint32_t segment) const;

  const trace::Process& process_;
  std::vector<std::vector<trace::Index>> children_;
  // The thread, or one below it in the tree of creates, is joined by another thread than its creator.
  std::vector<bool> leads_elsewhere_;
  absl::flat_hash_map<uint64_t, Reach> memo_;
  size_t remembered_ = 0;
};

}  // namespace gordian::analyze

#endif  // GORDIAN_LIBSYNC_ANALYZE_HAPPENS_BEFORE_H_
