#include "libsync/analyze/lock_order_graph.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <tuple>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "libsync/analyze/lookup.h"
#include "libsync/analyze/strong_components.h"

namespace gordian::analyze {
namespace {

using trace::Dependency;
using trace::Index;
using trace::kNoIndex;
using trace::Mode;

uint64_t Pair(int32_t a, int32_t b) {
  return (static_cast<uint64_t>(static_cast<uint32_t>(a)) << 32) | static_cast<uint32_t>(b);
}

// Which threads use a lock in one of the two modes: none, one, or several.
struct Users {
  Index one = kNoIndex;
  bool several = false;

  void Add(Index thread) {
    several = several || (one != kNoIndex && one != thread);
    one = one == kNoIndex ? thread : one;
  }
  bool MeetsAnother(const Users& other) const {
    return one != kNoIndex && other.one != kNoIndex && (several || other.several || one != other.one);
  }
};

// The most that each may have, so that all together have no more than `most`.
uint64_t FairShare(std::vector<uint64_t> wanted, uint64_t most) {
  std::sort(wanted.begin(), wanted.end());
  for (size_t i = 0; i < wanted.size(); ++i) {
    const uint64_t share = most / (wanted.size() - i);
    if (wanted[i] > share) {
      return share;
    }
    most -= wanted[i];
  }
  return most;
}

size_t ModeSlot(Mode mode) { return mode == Mode::kShared ? 1 : 0; }

}  // namespace

// A recursive re-acquisition waits for nobody, and an upgrade or a second read hangs on itself: none of them
// orders two locks.
bool LockOrderGraph::CanBlock(const Dependency& dependency) const {
  return Orders(dependency.lock) && At(process_.threads, dependency.thread) != nullptr &&
         std::none_of(dependency.held.begin(), dependency.held.end(), [&](const trace::Holding& held) {
           return identity_.Of(held.lock) == identity_.Of(dependency.lock);
         });
}

// Calls visit(held index, from, to) for every lock that `dependency` orders before one that it waits for.
template <typename Visit>
void LockOrderGraph::ForEachEdge(const Dependency& dependency, Visit visit) const {
  if (dependency.held.empty() || !CanBlock(dependency)) {
    return;
  }
  identity_.ForEachInTheWay(dependency.lock, [&](Index to) {
    for (size_t h = 0; h < dependency.held.size(); ++h) {
      const Index from = identity_.Of(dependency.held[h].lock);
      if (from != to && Orders(from)) {
        visit(static_cast<Index>(h), from, to);
      }
    }
  });
}

LockOrderGraph::LockOrderGraph(const trace::Process& process, const LockIdentity& locks, Gates* gates,
                               uint64_t most_witnesses)
    : process_(process), identity_(locks) {
  AddWitnesses(gates, CyclicLocks(), most_witnesses);
  Reduce();
}

// The edges lie in one array, by the lock that they leave: a list for each of a million locks would be as
// many places in memory, and most of the time. One that is there already is not looked for: it costs the
// search nothing.
std::vector<int32_t> LockOrderGraph::CyclicLocks() const {
  const size_t count = process_.locks.size();
  std::vector<size_t> ends(count + 1);
  const auto for_each_edge = [this](auto visit) {
    for (const Dependency& dependency : process_.dependencies) {
      ForEachEdge(dependency,
                  [&](Index /*held*/, Index from, Index to) { visit(static_cast<size_t>(from), to); });
    }
  };
  for_each_edge([&](size_t from, Index /*to*/) { ++ends[from + 1]; });
  std::partial_sum(ends.begin(), ends.end(), ends.begin());
  std::vector<Index> targets(ends.back());
  // Now the begin of each list, which moves to its end.
  for_each_edge([&](size_t from, Index to) { targets[ends[from]++] = to; });
  return CyclicComponents(count, [&](size_t lock) {
    const size_t begin = lock == 0 ? 0 : ends[lock - 1];
    return absl::MakeSpan(targets).subspan(begin, ends[lock] - begin);
  });
}

// Only dependencies inside a component are kept: a program with a consistent order keeps none. Of too many,
// each thread's earliest: a few threads, or processes, that have very many leave room for the others, whom a
// cycle takes too.
void LockOrderGraph::AddWitnesses(Gates* gates, const std::vector<int32_t>& component_of_lock,
                                  uint64_t most) {
  std::vector<Node> node_of(component_of_lock.size(), -1);
  for (size_t lock = 0; lock < component_of_lock.size(); ++lock) {
    if (component_of_lock[lock] >= 0) {
      node_of[lock] = static_cast<Node>(locks_.size());
      locks_.push_back(static_cast<Index>(lock));
    }
  }
  std::vector<uint64_t> of_thread(process_.threads.size());
  const auto for_each = [&](auto visit) {
    for (size_t d = 0; d < process_.dependencies.size(); ++d) {
      const auto thread = static_cast<size_t>(process_.dependencies[d].thread);
      ForEachEdge(process_.dependencies[d], [&](Index h, Index from_lock, Index to_lock) {
        const int32_t component = component_of_lock[static_cast<size_t>(to_lock)];
        if (component >= 0 && component_of_lock[static_cast<size_t>(from_lock)] == component) {
          visit(d, h, from_lock, to_lock, ++of_thread[thread]);
        }
      });
    }
  };
  uint64_t count = 0;
  for_each([&](size_t, Index, Index, Index, uint64_t) { ++count; });
  complete_ = count <= most;
  const uint64_t most_of_thread = complete_ ? most : FairShare(of_thread, most);
  std::fill(of_thread.begin(), of_thread.end(), 0);

  absl::flat_hash_map<uint64_t, EdgeId> edge_of;
  Index interned = kNoIndex;
  Gates::SetId set = -1;
  for_each([&](size_t d, Index h, Index from_lock, Index to_lock, uint64_t number) {
    if (number > most_of_thread) {
      return;
    }
    const Dependency& dependency = process_.dependencies[d];
    if (interned != static_cast<Index>(d)) {
      interned = static_cast<Index>(d);
      set = gates->Intern(dependency.thread, dependency.held);
    }
    const Node from = node_of[static_cast<size_t>(from_lock)];
    const Node to = node_of[static_cast<size_t>(to_lock)];
    const auto [found, is_new] = edge_of.try_emplace(Pair(from, to), static_cast<EdgeId>(edges_.size()));
    if (is_new) {
      edges_.push_back({from, to, {}});
    }
    edges_[static_cast<size_t>(found->second)].witnesses.push_back(
        {static_cast<Index>(d), h, dependency.thread, set, dependency.held[static_cast<size_t>(h)].mode,
         dependency.mode});
  });
  for (Edge& edge : edges_) {
    std::sort(edge.witnesses.begin(), edge.witnesses.end(), [](const Witness& x, const Witness& y) {
      return std::tuple(x.Group(), x.dependency, x.held) < std::tuple(y.Group(), y.dependency, y.held);
    });
  }
  AddWriters(gates, node_of);
}

void LockOrderGraph::AddWriters(Gates* gates, const std::vector<Node>& node_of) {
  writers_.resize(locks_.size());
  for (size_t d = 0; d < process_.dependencies.size(); ++d) {
    const Dependency& dependency = process_.dependencies[d];
    if (dependency.mode != Mode::kExclusive || !CanBlock(dependency)) {
      continue;
    }
    const Node node = node_of[static_cast<size_t>(identity_.Of(dependency.lock))];
    if (node >= 0 &&
        process_.locks[static_cast<size_t>(dependency.lock)].kind == trace::LockKind::kWriterRwlock) {
      writers_[static_cast<size_t>(node)].push_back(
          {static_cast<Index>(d), dependency.thread, gates->Intern(dependency.thread, dependency.held)});
    }
  }
}

// Every lock of a deadlock is waited for by one thread and held by another that waits for the next, and the
// two conflict, if only by a writer that queues between two readers. A lock without such a pair goes, and may
// take the component apart.
bool LockOrderGraph::RemoveUseless() {
  std::vector<std::array<Users, 2>> waiters(locks_.size());
  std::vector<std::array<Users, 2>> holders(locks_.size());
  for (size_t e = 0; e < edges_.size(); ++e) {
    if (!alive_[e]) {
      continue;
    }
    for (const Witness& witness : edges_[e].witnesses) {
      waiters[static_cast<size_t>(edges_[e].to)][ModeSlot(witness.wanted_mode)].Add(witness.thread);
      holders[static_cast<size_t>(edges_[e].from)][ModeSlot(witness.held_mode)].Add(witness.thread);
    }
  }
  bool removed_any = false;
  std::vector<bool> useless(locks_.size(), false);
  for (const Component& component : components_) {
    for (const Node node : component) {
      const auto& waits = waiters[static_cast<size_t>(node)];
      const auto& holds = holders[static_cast<size_t>(node)];
      const bool distinct = waits[0].MeetsAnother(holds[0]) || waits[0].MeetsAnother(holds[1]) ||
                            waits[1].MeetsAnother(holds[0]) ||
                            (!Writers(node).empty() && waits[1].MeetsAnother(holds[1]));
      if (!distinct) {
        useless[static_cast<size_t>(node)] = true;
        removed_any = true;
        removed_.push_back({LockOf(node), !waits[1].MeetsAnother(holds[1])});
      }
    }
  }
  for (size_t e = 0; e < edges_.size() && removed_any; ++e) {
    alive_[e] = alive_[e] && !useless[static_cast<size_t>(edges_[e].from)] &&
                !useless[static_cast<size_t>(edges_[e].to)];
  }
  return removed_any;
}

void LockOrderGraph::Connect() {
  std::vector<std::vector<int32_t>> successors(locks_.size());
  for (size_t e = 0; e < edges_.size(); ++e) {
    if (alive_[e]) {
      successors[static_cast<size_t>(edges_[e].from)].push_back(edges_[e].to);
    }
  }
  const std::vector<int32_t> component_of = CyclicComponents(successors);
  components_.clear();
  for (size_t node = 0; node < component_of.size(); ++node) {
    if (component_of[node] < 0) {
      continue;
    }
    const auto component = static_cast<size_t>(component_of[node]);
    components_.resize(std::max(components_.size(), component + 1));
    components_[component].push_back(static_cast<Node>(node));
  }
  std::sort(components_.begin(), components_.end());
  out_.assign(locks_.size(), {});
  in_.assign(locks_.size(), {});
  for (size_t e = 0; e < edges_.size(); ++e) {
    const int32_t from = component_of[static_cast<size_t>(edges_[e].from)];
    alive_[e] = alive_[e] && from >= 0 && from == component_of[static_cast<size_t>(edges_[e].to)];
    if (alive_[e]) {
      out_[static_cast<size_t>(edges_[e].from)].push_back(static_cast<EdgeId>(e));
      in_[static_cast<size_t>(edges_[e].to)].push_back(static_cast<EdgeId>(e));
    }
  }
  for (std::vector<EdgeId>& out : out_) {
    std::sort(out.begin(), out.end(), [this](EdgeId a, EdgeId b) {
      return edges_[static_cast<size_t>(a)].to < edges_[static_cast<size_t>(b)].to;
    });
  }
}

void LockOrderGraph::Reduce() {
  alive_.assign(edges_.size(), true);
  Connect();
  while (RemoveUseless()) {
    Connect();
  }
}

}  // namespace gordian::analyze
