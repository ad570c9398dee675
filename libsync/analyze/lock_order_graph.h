// The lock-order graph of one Process: "a thread that held this went to acquire that", reduced to the part
// that can contain a cycle.
//
// Nodes are lock instances, never classes. An edge keeps every dependency that made it (its witnesses),
// because whether a cycle can deadlock depends on who held what else. Locks that the reduction removes can be
// on no deadlock: they lie on no cycle, or whoever waits for them conflicts with nobody else who holds them.
//
// Thread safety: none while it is built; const afterwards. The Process must outlive it unchanged.
#ifndef GORDIAN_LIBSYNC_ANALYZE_LOCK_ORDER_GRAPH_H_
#define GORDIAN_LIBSYNC_ANALYZE_LOCK_ORDER_GRAPH_H_

#include <cstdint>
#include <tuple>
#include <vector>

#include "libsync/analyze/gates.h"
#include "libsync/analyze/lock_identity.h"
#include "libsync/trace/run.h"

namespace gordian::analyze {

class LockOrderGraph {
 public:
  using Node = int32_t;  // dense, in the order of the lock indices
  using EdgeId = int32_t;

  // One dependency that made an edge.
  struct Witness {
    trace::Index dependency = trace::kNoIndex;
    trace::Index held = trace::kNoIndex;  // index into Dependency::held of the lock the edge starts at
    trace::Index thread = trace::kNoIndex;
    Gates::SetId gates = 0;
    trace::Mode held_mode = trace::Mode::kExclusive;
    trace::Mode wanted_mode = trace::Mode::kExclusive;

    // Where one of a group is gated or does not conflict, none of it does better.
    auto Group() const { return std::tuple(gates, held_mode, wanted_mode); }
  };

  // A dependency that wants a lock exclusively, whatever it holds. Where writers go first, a reader waits for
  // one that queues although only readers hold the lock.
  struct Writer {
    trace::Index dependency = trace::kNoIndex;
    trace::Index thread = trace::kNoIndex;
    Gates::SetId gates = 0;
  };

  struct Edge {
    Node from = 0;
    Node to = 0;
    std::vector<Witness> witnesses;  // by group, then in the order of the dependencies
  };

  // Locks that all reach each other, ascending.
  using Component = std::vector<Node>;

  // A part of the graph that the reduction removed although it contained cycles.
  struct Removed {
    trace::Index lock = trace::kNoIndex;
    bool one_thread = false;  // else every wait and every holding is shared
  };

  LockOrderGraph(const trace::Process& process, const LockIdentity& locks, Gates* gates,
                 uint64_t most_witnesses);

  // False: there were more witnesses than that.
  bool complete() const { return complete_; }

  const std::vector<Component>& components() const { return components_; }
  const std::vector<Edge>& edges() const { return edges_; }
  const std::vector<Removed>& removed() const { return removed_; }
  // Edges that leave a node and stay in its component, by their target, ascending.
  const std::vector<EdgeId>& Out(Node node) const { return out_[static_cast<size_t>(node)]; }
  const std::vector<EdgeId>& In(Node node) const { return in_[static_cast<size_t>(node)]; }
  trace::Index LockOf(Node node) const { return locks_[static_cast<size_t>(node)]; }
  // Who may queue to write the lock; empty for locks that grant readers all the same.
  const std::vector<Writer>& Writers(Node node) const { return writers_[static_cast<size_t>(node)]; }

 private:
  bool CanBlock(const trace::Dependency& dependency) const;
  bool Orders(trace::Index lock) const {
    return identity_.IsReportable(lock) && identity_.KeepsAnybodyOut(lock);
  }
  // The component of each lock, -1: it lies on no cycle.
  std::vector<int32_t> CyclicLocks() const;
  void AddWitnesses(Gates* gates, const std::vector<int32_t>& component_of_lock, uint64_t most);
  void AddWriters(Gates* gates, const std::vector<Node>& node_of);
  template <typename Visit>
  void ForEachEdge(const trace::Dependency& dependency, Visit visit) const;
  void Reduce();
  bool RemoveUseless();
  void Connect();

  const trace::Process& process_;
  const LockIdentity& identity_;
  bool complete_ = true;
  std::vector<trace::Index> locks_;
  std::vector<std::vector<Writer>> writers_;
  std::vector<Edge> edges_;
  std::vector<bool> alive_;
  std::vector<std::vector<EdgeId>> out_;
  std::vector<std::vector<EdgeId>> in_;
  std::vector<Component> components_;
  std::vector<Removed> removed_;
};

}  // namespace gordian::analyze

#endif  // GORDIAN_LIBSYNC_ANALYZE_LOCK_ORDER_GRAPH_H_
