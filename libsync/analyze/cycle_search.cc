#include "libsync/analyze/cycle_search.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "libsync/analyze/gates.h"
#include "libsync/analyze/happens_before.h"
#include "libsync/analyze/lock_order_graph.h"
#include "libsync/analyze/lookup.h"

namespace gordian::analyze {
namespace {

using Edge = LockOrderGraph::Edge;
using EdgeId = LockOrderGraph::EdgeId;
using Node = LockOrderGraph::Node;
using Witness = LockOrderGraph::Witness;
using Writer = LockOrderGraph::Writer;
using trace::Index;
using trace::kNoIndex;

constexpr int kUnreachable = std::numeric_limits<int>::max();

// Where the witnesses with the gates and modes of the one at `w` end.
size_t EndOfGroup(const std::vector<Witness>& witnesses, size_t w) {
  const auto end =
      std::upper_bound(witnesses.begin() + static_cast<std::ptrdiff_t>(w), witnesses.end(), witnesses[w],
                       [](const Witness& a, const Witness& b) { return a.Group() < b.Group(); });
  return static_cast<size_t>(end - witnesses.begin());
}

// Both read a lock that only readers have: the one waits for the other by a writer between them, or not at
// all.
bool BothRead(const Witness& waiter, const Witness& holder) {
  return waiter.wanted_mode == trace::Mode::kShared && holder.held_mode == trace::Mode::kShared;
}

class Search {
 public:
  Search(const OrderView& view, const SearchLimits& limits)
      : view_(view),
        process_(view.process()),
        limits_(limits),
        gates_(process_, view.locks(), view.frames(), view.frame_of()),
        order_(process_, &view.locks()),
        graph_(process_, view.locks(), &gates_, limits.witnesses) {
    result_.complete = graph_.complete();
    if (HappensBefore::HasSoftOrder(process_)) {
      as_seen_.emplace(process_, &view.locks(), Order::kAsSeen);
    }
  }

  CycleSearchResult Run();

 private:
  // Why two threads cannot stand in one deadlock.
  struct Failure {
    const char* predicate = nullptr;
    Index a = kNoIndex;
    Index b = kNoIndex;
    Index gate = kNoIndex;
    bool of_group = false;  // what has the same gates and modes fails as well
  };

  // What is chosen for an edge: who holds its first lock and wants the next, and, where a reader waits for
  // this reader, the writer that queues between them.
  struct Link {
    const Witness* witness = nullptr;
    const Writer* writer = nullptr;
  };
  using Assignment = std::vector<Link>;

  // Per component, from one length to the next.
  struct Progress {
    const LockOrderGraph::Component* component = nullptr;
    std::vector<int> shortest;  // cycle through each node and higher ones only; 0 not computed yet
    uint64_t steps = 0;
    size_t longest = 0;  // no deadlock has more locks, or more threads
    bool done = false;
  };

  void NoteRemoved();
  void SearchAll();
  size_t ThreadsIn(const LockOrderGraph::Component& component) const;
  void FindPairs(Progress* progress);
  void FindOfLength(size_t length, Progress* progress);
  int MeasureDistances(Node start, int depth);
  void Extend(Node start, size_t length);
  bool Close(EdgeId edge);
  bool Push(EdgeId edge);
  bool Solve(bool closed, size_t position, Assignment* chosen);
  bool Queue(bool closed, bool at_start, size_t position, Assignment* chosen);
  Failure Check(const Witness& candidate, const Assignment& chosen, bool closes);
  Failure CheckWait(const Witness& waiter, const Witness& holder, Node lock) const;
  bool HeldSinceBefore(const Witness& waiter, const Witness& holder) const;
  template <typename One, typename Other>
  Failure CheckPair(const One& one, const Other& other);
  template <typename One>
  Failure CheckAgainst(const One& one, const Assignment& chosen);
  void Note(const Failure& failure, size_t depth);
  Node Start(size_t position) const { return graph_.edges()[static_cast<size_t>(path_[position])].from; }
  bool AllCovered(const LockOrderGraph::Component& component) const;
  bool AnyNew(EdgeId last) const;
  void Report();
  void Prune(bool closed);

  bool Spend(uint64_t steps = 1) {
    steps_ += steps;
    if (steps_ > limits_.steps || steps_ > component_end_ || result_.cycles.size() >= limits_.cycles) {
      exhausted_ = true;
      result_.complete = false;
    }
    return !exhausted_;
  }

  const OrderView& view_;
  const trace::Process& process_;
  const SearchLimits limits_;
  Gates gates_;
  HappensBefore order_;
  std::optional<HappensBefore> as_seen_;  // if there is more than that which is enforced
  LockOrderGraph graph_;
  bool soft_ = false;  // what was handed over does not count any more
  bool any_soft_ = false;

  std::vector<EdgeId> path_;
  Assignment chosen_;  // for each edge of path_, fitting together
  std::vector<bool> on_path_;
  std::vector<int> distance_;  // to the start, over nodes above it
  std::vector<Node> measured_;
  std::vector<bool> covered_;  // edges of reported cycles
  Failure failure_;
  size_t failure_depth_ = 0;

  uint64_t steps_ = 0;
  uint64_t component_end_ = 0;
  bool exhausted_ = false;
  CycleSearchResult result_;
};

// First the cycles that nothing orders, then what is left where hand-overs may do so.
CycleSearchResult Search::Run() {
  NoteRemoved();
  on_path_.resize(process_.locks.size());
  distance_.assign(process_.locks.size(), kUnreachable);
  covered_.resize(graph_.edges().size());
  SearchAll();
  if (any_soft_) {
    soft_ = true;
    SearchAll();
  }
  return std::move(result_);
}

void Search::SearchAll() {
  exhausted_ = false;
  std::vector<Progress> all;
  size_t longest = 0;
  for (const LockOrderGraph::Component& component : graph_.components()) {
    Progress progress;
    progress.component = &component;
    progress.shortest.resize(component.size());
    progress.longest = std::min(component.size(), ThreadsIn(component));
    longest = std::max(longest, progress.longest);
    all.push_back(std::move(progress));
  }
  // Lengths outside, components inside: a big component cannot keep the short cycles of the others waiting.
  for (size_t length = 2; length <= longest; ++length) {
    bool all_done = true;
    for (Progress& progress : all) {
      progress.done = progress.done || length > progress.longest || AllCovered(*progress.component);
      if (progress.done) {
        continue;
      }
      all_done = false;
      exhausted_ = false;
      const uint64_t begin = steps_;
      component_end_ = begin + limits_.steps_per_component - progress.steps;
      if (length == 2) {
        FindPairs(&progress);
      } else {
        FindOfLength(length, &progress);
      }
      progress.steps += steps_ - begin;
      progress.done = exhausted_;
    }
    if (all_done) {
      break;
    }
  }
}

void Search::NoteRemoved() {
  for (const LockOrderGraph::Removed& removed : graph_.removed()) {
    if (result_.pruned.size() >= limits_.pruned) {
      return;
    }
    PrunedPath pruned;
    pruned.locks = {removed.lock};
    pruned.predicate = removed.one_thread ? kDistinctThreads : kModesConflict;
    result_.pruned.push_back(std::move(pruned));
  }
}

size_t Search::ThreadsIn(const LockOrderGraph::Component& component) const {
  absl::flat_hash_set<Index> threads;
  for (const Node node : component) {
    for (const EdgeId edge : graph_.Out(node)) {
      for (const Witness& witness : graph_.edges()[static_cast<size_t>(edge)].witnesses) {
        threads.insert(witness.thread);
      }
    }
  }
  return threads.size();
}

bool Search::AllCovered(const LockOrderGraph::Component& component) const {
  return std::all_of(component.begin(), component.end(), [this](Node node) {
    const std::vector<EdgeId>& out = graph_.Out(node);
    return std::all_of(out.begin(), out.end(), [this](EdgeId e) { return covered_[static_cast<size_t>(e)]; });
  });
}

// Two locks in both orders: most cycles are these, and they need no walk.
void Search::FindPairs(Progress* progress) {
  for (const Node node : *progress->component) {
    for (const EdgeId edge : graph_.Out(node)) {
      const Node other = graph_.edges()[static_cast<size_t>(edge)].to;
      if (other < node) {
        continue;
      }
      const std::vector<EdgeId>& back = graph_.Out(other);
      const auto found = std::lower_bound(back.begin(), back.end(), node, [this](EdgeId e, Node wanted) {
        return graph_.edges()[static_cast<size_t>(e)].to < wanted;
      });
      if (!Spend()) {
        return;
      }
      if (found == back.end() || graph_.edges()[static_cast<size_t>(*found)].to != node) {
        continue;
      }
      path_.clear();
      chosen_.clear();
      if (Push(edge)) {
        Close(*found);
      }
      if (exhausted_) {
        return;
      }
    }
  }
}

void Search::FindOfLength(size_t length, Progress* progress) {
  const LockOrderGraph::Component& component = *progress->component;
  for (size_t n = 0; n < component.size(); ++n) {
    if (progress->shortest[n] > static_cast<int>(length)) {
      continue;
    }
    const Node start = component[n];
    progress->shortest[n] = MeasureDistances(start, static_cast<int>(length));
    if (progress->shortest[n] <= static_cast<int>(length) && !exhausted_) {
      path_.clear();
      chosen_.clear();
      on_path_[static_cast<size_t>(start)] = true;
      Extend(start, length);
      on_path_[static_cast<size_t>(start)] = false;
    }
    if (exhausted_) {
      return;
    }
  }
}

// Breadth first against the edges, as deep as `depth` and until a cycle is found. Returns the length of the
// shortest cycle through `start` and higher nodes.
int Search::MeasureDistances(Node start, int depth) {
  for (const Node node : measured_) {
    distance_[static_cast<size_t>(node)] = kUnreachable;
  }
  measured_.assign(1, start);
  distance_[static_cast<size_t>(start)] = 0;
  int shortest = kUnreachable;
  uint64_t looked_at = 0;
  for (size_t next = 0; next < measured_.size(); ++next) {
    const Node node = measured_[next];
    const int distance = distance_[static_cast<size_t>(node)];
    if (distance >= depth && shortest != kUnreachable) {
      break;
    }
    for (const EdgeId edge : graph_.In(node)) {
      const Node from = graph_.edges()[static_cast<size_t>(edge)].from;
      ++looked_at;
      if (from == start) {
        shortest = std::min(shortest, distance + 1);
      } else if (from > start && distance_[static_cast<size_t>(from)] == kUnreachable) {
        distance_[static_cast<size_t>(from)] = distance + 1;
        measured_.push_back(from);
      }
    }
  }
  // A step of this walk is far cheaper than a comparison of witnesses.
  Spend(1 + looked_at / 8);
  return shortest;
}

void Search::Extend(Node start, size_t length) {
  const Node at = path_.empty() ? start : graph_.edges()[static_cast<size_t>(path_.back())].to;
  for (const EdgeId edge : graph_.Out(at)) {
    if (!Spend()) {
      return;
    }
    const Node to = graph_.edges()[static_cast<size_t>(edge)].to;
    if (to == start) {
      if (path_.size() + 1 == length) {
        Close(edge);
      }
      continue;
    }
    const auto t = static_cast<size_t>(to);
    const size_t used = path_.size() + 1;
    if (to < start || on_path_[t] || distance_[t] == kUnreachable ||
        used + static_cast<size_t>(distance_[t]) > length) {
      continue;
    }
    const Assignment before = chosen_;
    if (Push(edge)) {
      on_path_[t] = true;
      Extend(start, length);
      on_path_[t] = false;
      path_.pop_back();
    }
    chosen_ = before;
  }
}

// Appends the edge if the path still has witnesses that fit together.
bool Search::Push(EdgeId edge) {
  failure_ = {};
  failure_depth_ = 0;
  path_.push_back(edge);
  Assignment chosen = chosen_;
  // Mostly the witnesses chosen so far can stay.
  if (Solve(false, path_.size() - 1, &chosen)) {
    chosen_ = std::move(chosen);
    return true;
  }
  chosen.clear();
  if (path_.size() > 1 && Solve(false, 0, &chosen)) {
    chosen_ = std::move(chosen);
    return true;
  }
  Prune(false);
  path_.pop_back();
  return false;
}

// Reports the path with this last edge if it is new and has witnesses. The path stays as it was.
bool Search::Close(EdgeId edge) {
  if (!AnyNew(edge)) {
    return false;
  }
  failure_ = {};
  failure_depth_ = 0;
  const Assignment before = chosen_;
  path_.push_back(edge);
  bool found = Solve(true, path_.size() - 1, &chosen_);
  if (!found) {
    chosen_.clear();
    found = Solve(true, 0, &chosen_);
  }
  if (found) {
    Report();
  } else {
    Prune(true);
  }
  path_.pop_back();
  chosen_ = before;
  return found;
}

// Chooses witnesses for the path's edges from `position` on.
bool Search::Solve(bool closed, size_t position, Assignment* chosen) {
  if (position == path_.size()) {
    return true;
  }
  const std::vector<Witness>& witnesses = graph_.edges()[static_cast<size_t>(path_[position])].witnesses;
  const bool closes = closed && position + 1 == path_.size();
  for (size_t w = 0; w < witnesses.size(); ++w) {
    if (!Spend()) {
      return false;
    }
    const Witness& candidate = witnesses[w];
    const Failure failure = Check(candidate, *chosen, closes);
    if (failure.predicate == nullptr) {
      chosen->push_back({&candidate, nullptr});
      if (Queue(closed, false, position, chosen)) {
        return true;
      }
      chosen->pop_back();
      continue;
    }
    Note(failure, chosen->size());
    if (failure.of_group) {
      w = EndOfGroup(witnesses, w) - 1;
    }
  }
  return false;
}

// The last of `chosen` stands for `position`: chooses the writers that it needs, before it and, where it
// closes the ring, at the start, and then the rest of the path.
bool Search::Queue(bool closed, bool at_start, size_t position, Assignment* chosen) {
  const bool last = closed && position + 1 == path_.size();
  if (at_start && !last) {
    return Solve(closed, position + 1, chosen);
  }
  const size_t holder = at_start ? 0 : position;
  const bool follows = at_start || position > 0;
  const Witness* waiter = !follows ? nullptr : (at_start ? chosen->back() : (*chosen)[position - 1]).witness;
  const auto go_on = [&] {
    return at_start ? Solve(closed, position + 1, chosen) : Queue(closed, true, position, chosen);
  };
  if (waiter == nullptr || !BothRead(*waiter, *(*chosen)[holder].witness)) {
    return go_on();
  }
  for (const Writer& writer : graph_.Writers(Start(holder))) {
    if (!Spend()) {
      return false;
    }
    const Failure failure = CheckAgainst(writer, *chosen);
    if (failure.predicate != nullptr) {
      Note(failure, chosen->size());
      continue;
    }
    (*chosen)[holder].writer = &writer;
    if (go_on()) {
      return true;
    }
    (*chosen)[holder].writer = nullptr;
  }
  return false;
}

// Of several failures the one that came furthest is told.
void Search::Note(const Failure& failure, size_t depth) {
  if (failure_.predicate == nullptr || depth >= failure_depth_) {
    failure_ = failure;
    failure_depth_ = depth;
  }
}

// The waiter waits for what the holder has.
Search::Failure Search::CheckWait(const Witness& waiter, const Witness& holder, Node lock) const {
  const Index wanted = process_.dependencies[static_cast<size_t>(waiter.dependency)].lock;
  const Index held = process_.dependencies[static_cast<size_t>(holder.dependency)]
                         .held[static_cast<size_t>(holder.held)]
                         .lock;
  const bool conflict = view_.locks().Conflict(wanted, waiter.wanted_mode, held, holder.held_mode);
  const bool by_writer = !graph_.Writers(lock).empty() &&
                         view_.locks().OnlyRead(wanted, waiter.wanted_mode, held, holder.held_mode);
  if (!conflict && !by_writer) {
    return {kModesConflict, waiter.thread, holder.thread, kNoIndex, BothRead(waiter, holder)};
  }
  return HeldSinceBefore(waiter, holder) ? Failure{kMayOverlap, waiter.thread, holder.thread} : Failure{};
}

// The holder waits for the end of a thread or a process that was created under this very acquisition, and the
// waiter is of it: it would have waited in vain, and the holder with it.
bool Search::HeldSinceBefore(const Witness& waiter, const Witness& holder) const {
  const trace::Dependency& dependency = process_.dependencies[static_cast<size_t>(holder.dependency)];
  const OrderView::End* end = view_.EndAt(dependency.lock);
  if (end == nullptr) {
    return false;
  }
  const trace::Holding& held = dependency.held[static_cast<size_t>(holder.held)];
  const std::vector<trace::Holding>& then = view_.HeldAtCreation(*end);
  if (std::none_of(then.begin(), then.end(), [&held](const trace::Holding& each) {
        return each.lock == held.lock && each.acquisition == held.acquisition;
      })) {
    return false;
  }
  Index up = waiter.thread;
  for (size_t steps = 0; steps < process_.threads.size() && up != end->thread && up != kNoIndex; ++steps) {
    const trace::Thread* thread = At(process_.threads, up);
    up = thread != nullptr ? thread->creator : kNoIndex;
  }
  return up == end->thread;
}

template <typename One, typename Other>
Search::Failure Search::CheckPair(const One& one, const Other& other) {
  Spend();
  if (one.thread == other.thread) {
    return {kDistinctThreads, other.thread, one.thread};
  }
  const Index gate = gates_.Common(other.gates, one.gates);
  if (gate != kNoIndex) {
    return {kNoCommonGate, other.thread, one.thread, gate, true};
  }
  const trace::Dependency& before = process_.dependencies[static_cast<size_t>(other.dependency)];
  const trace::Dependency& after = process_.dependencies[static_cast<size_t>(one.dependency)];
  if (!view_.LivesOverlap(other.thread, one.thread) || !order_.MayOverlap(before, after)) {
    return {kMayOverlap, other.thread, one.thread};
  }
  if (!soft_ && as_seen_.has_value() && !as_seen_->MayOverlapAsKnown(before, after, &order_)) {
    any_soft_ = true;
    return {kNoSoftOrder, other.thread, one.thread};
  }
  return {};
}

template <typename One>
Search::Failure Search::CheckAgainst(const One& one, const Assignment& chosen) {
  Failure failure;
  for (const Link& link : chosen) {
    failure = CheckPair(one, *link.witness);
    if (failure.predicate == nullptr && link.writer != nullptr) {
      failure = CheckPair(one, *link.writer);
    }
    if (failure.predicate != nullptr) {
      break;
    }
  }
  return failure;
}

Search::Failure Search::Check(const Witness& candidate, const Assignment& chosen, bool closes) {
  Failure failure;
  if (!chosen.empty()) {
    failure = CheckWait(*chosen.back().witness, candidate, Start(chosen.size()));
  }
  if (failure.predicate == nullptr && closes) {
    failure = CheckWait(candidate, *chosen.front().witness, Start(0));
  }
  return failure.predicate == nullptr ? CheckAgainst(candidate, chosen) : failure;
}

bool Search::AnyNew(EdgeId last) const {
  return !covered_[static_cast<size_t>(last)] || std::any_of(path_.begin(), path_.end(), [this](EdgeId e) {
    return !covered_[static_cast<size_t>(e)];
  });
}

void Search::Report() {
  LockOrderCycle cycle;
  cycle.soft = soft_;
  for (size_t e = 0; e < path_.size(); ++e) {
    covered_[static_cast<size_t>(path_[e])] = true;
    const Link& link = chosen_[e];
    cycle.edges.push_back({link.witness->dependency, link.witness->held,
                           link.writer != nullptr ? link.writer->dependency : kNoIndex});
  }
  result_.cycles.push_back(std::move(cycle));
}

void Search::Prune(bool closed) {
  // What a hand-over alone keeps apart is looked at once more, and found then.
  if (exhausted_ || failure_.predicate == nullptr || failure_.predicate == kNoSoftOrder ||
      result_.pruned.size() >= limits_.pruned) {
    return;
  }
  PrunedPath pruned;
  for (const EdgeId edge : path_) {
    const Edge& step = graph_.edges()[static_cast<size_t>(edge)];
    pruned.locks.push_back(graph_.LockOf(step.from));
    pruned.edges.push_back({step.witnesses.front().dependency, step.witnesses.front().held});
  }
  if (!closed) {
    pruned.locks.push_back(graph_.LockOf(graph_.edges()[static_cast<size_t>(path_.back())].to));
  }
  pruned.closed = closed;
  pruned.predicate = failure_.predicate;
  pruned.a = failure_.a;
  pruned.b = failure_.b;
  pruned.gate = failure_.gate;
  result_.pruned.push_back(std::move(pruned));
}

}  // namespace

CycleSearchResult FindLockOrderCycles(const OrderView& view, const SearchLimits& limits) {
  return Search(view, limits).Run();
}

}  // namespace gordian::analyze
