// Which stretches of which threads can overlap in time, by the order that the program itself enforces.
//
// A segment is a stretch of a thread between two of its ordering events (trace/layout.h). A create orders the
// creator's segments up to creator_segment before the whole child; a join orders the whole joined thread
// before the joiner's segments from joiner_segment on. Who passes a barrier follows all that its round did
// before, and who comes past a once follows its routine. Releases order nothing: they are a schedule that
// happened, not one that must.
//
// Signals and posts are between the two: the program waited for them, but what for is not known. They order
// only where that is asked (Order::kAsSeen). Hand-overs are recorded up to a bound; beyond it nothing is
// known.
//
// No vector clocks are stored: with T threads they need T*T numbers. Every thread has at most one creator and
// one joiner, so "a before b" is a walk: from a forward along joins and hand-overs, from b backward along
// creates, until both stand in one thread. Only threads that are joined by somebody else than their creator,
// or hand something over, need a search downward. What a source segment reaches is remembered, within a
// bound.
//
// Thread safety: none (queries remember). The Process must outlive it unchanged.
#ifndef GORDIAN_LIBSYNC_ANALYZE_HAPPENS_BEFORE_H_
#define GORDIAN_LIBSYNC_ANALYZE_HAPPENS_BEFORE_H_

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "libsync/analyze/lock_identity.h"
#include "libsync/trace/run.h"

namespace gordian::analyze {

enum class Order {
  kEnforced,  // create, join, fork, reap, exec, barrier, once
  kAsSeen,    // and what conditions and semaphores handed over
};

class HappensBefore {
 public:
  // `locks` says which records are one object; null: each is its own.
  explicit HappensBefore(const trace::Process& process, const LockIdentity* locks = nullptr,
                         Order order = Order::kEnforced);

  // Some hand-over was recorded that Order::kEnforced leaves out.
  static bool HasSoftOrder(const trace::Process& process);

  // All of segment i of thread a ends before segment j of thread b begins. For one thread: i <= j.
  bool Ordered(trace::Index a, uint32_t i, trace::Index b, uint32_t j);

  // Neither is ordered before the other. Never true of one thread with itself.
  bool MayOverlap(trace::Index a, uint32_t i, trace::Index b, uint32_t j) {
    return !Ordered(a, i, b, j) && !Ordered(b, j, a, i);
  }

  // Some stretches in which the two waits were seen are not ordered.
  bool MayOverlap(const trace::Dependency& a, const trace::Dependency& b);

  // The same where all is known of the order, or known of nothing.
  bool MayOverlapAsKnown(const trace::Dependency& a, const trace::Dependency& b, HappensBefore* enforced);

  // Numbers remembered at this moment, for tests of the memory bound.
  size_t remembered() const { return remembered_; }

 private:
  // From which segment on a thread runs after the source.
  using Reach = absl::flat_hash_map<trace::Index, uint32_t>;

  // What several segments meet in: all of `in` ends before any of `out` begins.
  struct Junction {
    std::vector<std::pair<trace::Index, uint32_t>> in;
    std::vector<std::pair<trace::Index, uint32_t>> out;
  };
  struct Contribution {
    uint32_t segment = 0;
    size_t junction = 0;
  };

  void AddBarriers();
  void AddHandOvers(Order order);
  void AddJunction(Junction junction);
  trace::Index Same(trace::Index lock) const { return locks_ != nullptr ? locks_->Of(lock) : lock; }
  bool IsKnown(trace::Index thread, uint32_t segment) const;
  const Reach& ReachOf(trace::Index thread, uint32_t segment);
  Reach Search(trace::Index thread, uint32_t segment) const;

  const trace::Process& process_;
  const LockIdentity* locks_;
  std::vector<Junction> junctions_;
  std::vector<std::vector<Contribution>> contributions_;  // by thread
  // From which segment on more was handed over to or by a thread than was recorded.
  absl::flat_hash_map<trace::Index, uint32_t> known_until_;
  std::vector<std::vector<trace::Index>> children_;
  // The thread, or one below it in the tree of creates, is joined by another thread than its creator, or
  // hands something over.
  std::vector<bool> leads_elsewhere_;
  absl::flat_hash_map<uint64_t, Reach> memo_;
  size_t remembered_ = 0;
};

}  // namespace gordian::analyze

#endif  // GORDIAN_LIBSYNC_ANALYZE_HAPPENS_BEFORE_H_
