#include "libsync/analyze/wait_for_graph.h"

#include <algorithm>
#include <deque>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "libsync/analyze/lookup.h"
#include "libsync/analyze/strong_components.h"

namespace gordian::analyze {
namespace {

using trace::Index;
using trace::kNoIndex;
using trace::Mode;
using trace::WaitKind;

struct Holder {
  Index thread = kNoIndex;
  Mode mode = Mode::kExclusive;
};

class WaitForGraph {
 public:
  explicit WaitForGraph(const trace::Process& process);
  std::vector<Stall> Stalls();

 private:
  bool Waits(const trace::Thread& thread) const;
  Need NeedOf(Index index);
  void AddLockNeed(Index index, Index lock, Mode mode, Need* need);
  bool IsOrphanedByFork(const trace::Lock& lock, Index index) const;
  std::vector<Index> StuckNeeds(Index thread) const;
  void AddCycles(std::vector<Stall>* stalls);
  void AddAbandoned(std::vector<Stall>* stalls) const;
  void AddBehind(std::vector<Stall>* stalls) const;
  std::vector<Index> ShortestCycle(const std::vector<Index>& members,
                                   const std::vector<int32_t>& component) const;

  // Nobody: a node that can never go on, for owners that are not there any more.
  int32_t nobody() const { return static_cast<int32_t>(process_.threads.size()); }

  const trace::Process& process_;
  absl::flat_hash_map<Index, std::vector<Holder>> holders_;
  absl::flat_hash_map<Index, std::vector<Index>> writers_waiting_;
  std::vector<Need> needs_;
  std::vector<bool> stuck_;
};

WaitForGraph::WaitForGraph(const trace::Process& process) : process_(process) {
  for (size_t t = 0; t < process.threads.size(); ++t) {
    const trace::Thread& thread = process.threads[t];
    for (const trace::Holding& held : thread.held) {
      holders_[held.lock].push_back({static_cast<Index>(t), held.mode});
    }
    if (Waits(thread) && AwaitedLock(thread.wait) != kNoIndex && thread.wait.mode == Mode::kExclusive) {
      writers_waiting_[AwaitedLock(thread.wait)].push_back(static_cast<Index>(t));
    }
  }
  needs_.resize(process.threads.size() + 1);
  for (size_t t = 0; t < process.threads.size(); ++t) {
    needs_[t] = NeedOf(static_cast<Index>(t));
  }
  needs_.back().kind = Need::Kind::kAny;
  stuck_ = StuckNodes(needs_);
}

bool WaitForGraph::Waits(const trace::Thread& thread) const {
  return thread.settled && !thread.wait.timed && !IsDead(thread) && thread.wait.kind != WaitKind::kNone;
}

Need WaitForGraph::NeedOf(Index index) {
  const trace::Thread& thread = process_.threads[static_cast<size_t>(index)];
  Need need;
  if (!Waits(thread)) {
    return need;
  }
  const Index lock = AwaitedLock(thread.wait);
  if (lock != kNoIndex) {
    AddLockNeed(index, lock, thread.wait.kind == WaitKind::kLock ? thread.wait.mode : Mode::kExclusive,
                &need);
  } else if (thread.wait.kind == WaitKind::kJoin) {
    const trace::Thread* joined = At(process_.threads, thread.wait.thread);
    if (joined != nullptr && !IsDead(*joined)) {
      need.nodes.push_back(thread.wait.thread);
    }
  }
  // Conditions and processes: somebody outside these records may end the wait.
  return need;
}

void WaitForGraph::AddLockNeed(Index index, Index lock_index, Mode mode, Need* need) {
  const trace::Lock* lock = At(process_.locks, lock_index);
  if (lock == nullptr || !IsOwned(*lock) || BelongsToProcess(*lock)) {
    return;
  }
  bool exclusive_holder = false;
  for (const Holder& holder : holders_[lock_index]) {
    const bool self = holder.thread == index;
    // These answer EDEADLK, count or convert: a thread never sleeps on its own. And who waits twice for a
    // semaphore expects somebody else to post it.
    const bool answers = lock->kind == trace::LockKind::kRecursiveMutex ||
                         lock->kind == trace::LockKind::kErrorcheckMutex ||
                         lock->kind == trace::LockKind::kStream || IsSemaphore(*lock) ||
                         process_.threads[static_cast<size_t>(index)].wait.converts;
    exclusive_holder = exclusive_holder || holder.mode == Mode::kExclusive;
    if (!Conflict(mode, holder.mode) || (self && answers)) {
      continue;
    }
    if (!IsDead(process_.threads[static_cast<size_t>(holder.thread)])) {
      need->nodes.push_back(holder.thread);
    } else if ((lock->flags & trace::kRobust) == 0 && !IsFileLock(*lock)) {
      need->nodes.push_back(nobody());
    }
  }
  if (mode == Mode::kShared && !exclusive_holder) {
    // Readers that sleep behind readers let a writer go first.
    for (const Index writer : writers_waiting_[lock_index]) {
      if (writer != index) {
        need->nodes.push_back(writer);
      }
    }
  }
  if (IsOrphanedByFork(*lock, lock_index)) {
    need->nodes.push_back(nobody());
  }
}

// Held at the fork by a thread that this child does not have. A process-shared lock is not a copy: its owner
// lives on in the parent.
bool WaitForGraph::IsOrphanedByFork(const trace::Lock& lock, Index index) const {
  const auto holders = holders_.find(index);
  return (lock.flags & trace::kInherited) != 0 &&
         (lock.flags & (trace::kProcessShared | trace::kRobust)) == 0 && lock.owner_at_fork != 0 &&
         (holders == holders_.end() || holders->second.empty());
}

std::vector<Index> WaitForGraph::StuckNeeds(Index thread) const {
  std::vector<Index> result;
  for (const int32_t node : needs_[static_cast<size_t>(thread)].nodes) {
    if (node != nobody() && stuck_[static_cast<size_t>(node)]) {
      result.push_back(node);
    }
  }
  std::sort(result.begin(), result.end());
  result.erase(std::unique(result.begin(), result.end()), result.end());
  return result;
}

// Breadth first from each member; knots are small.
std::vector<Index> WaitForGraph::ShortestCycle(const std::vector<Index>& members,
                                               const std::vector<int32_t>& component) const {
  std::vector<Index> best;
  for (const Index start : members) {
    absl::flat_hash_map<Index, Index> came_from = {{start, kNoIndex}};
    std::deque<Index> open = {start};
    while (!open.empty()) {
      const Index at = open.front();
      open.pop_front();
      for (const Index next : StuckNeeds(at)) {
        if (next == start) {
          std::vector<Index> cycle;
          for (Index step = at; step != kNoIndex; step = came_from[step]) {
            cycle.push_back(step);
          }
          std::reverse(cycle.begin(), cycle.end());
          if (best.empty() || cycle.size() < best.size()) {
            best = std::move(cycle);
          }
          open.clear();
          break;
        }
        if (component[static_cast<size_t>(next)] == component[static_cast<size_t>(start)] &&
            came_from.emplace(next, at).second) {
          open.push_back(next);
        }
      }
    }
    // In a plain ring every start gives the same cycle.
    if (best.size() == members.size()) {
      break;
    }
  }
  return best;
}

void WaitForGraph::AddCycles(std::vector<Stall>* stalls) {
  std::vector<std::vector<int32_t>> successors(process_.threads.size());
  for (size_t t = 0; t < successors.size(); ++t) {
    if (stuck_[t]) {
      successors[t] = StuckNeeds(static_cast<Index>(t));
    }
  }
  const std::vector<int32_t> component = CyclicComponents(successors);
  std::vector<std::vector<Index>> members;
  for (size_t t = 0; t < component.size(); ++t) {
    if (component[t] >= 0) {
      members.resize(std::max(members.size(), static_cast<size_t>(component[t]) + 1));
      members[static_cast<size_t>(component[t])].push_back(static_cast<Index>(t));
    } else if (std::binary_search(successors[t].begin(), successors[t].end(), static_cast<int32_t>(t))) {
      stalls->push_back({Stall::Kind::kCycle, {static_cast<Index>(t)}, kNoIndex, kNoIndex, {}});
    }
  }
  for (const std::vector<Index>& knot : members) {
    stalls->push_back({Stall::Kind::kCycle, ShortestCycle(knot, component), kNoIndex, kNoIndex, {}});
  }
}

void WaitForGraph::AddAbandoned(std::vector<Stall>* stalls) const {
  absl::flat_hash_map<Index, size_t> stall_of_lock;
  for (size_t t = 0; t < process_.threads.size(); ++t) {
    const std::vector<int32_t>& nodes = needs_[t].nodes;
    if (std::find(nodes.begin(), nodes.end(), nobody()) == nodes.end()) {
      continue;
    }
    const Index lock = AwaitedLock(process_.threads[t].wait);
    const auto [found, is_new] = stall_of_lock.try_emplace(lock, stalls->size());
    if (is_new) {
      Index owner = kNoIndex;
      const auto holders = holders_.find(lock);
      for (const Holder& holder : holders != holders_.end() ? holders->second : std::vector<Holder>{}) {
        owner = IsDead(process_.threads[static_cast<size_t>(holder.thread)]) ? holder.thread : owner;
      }
      stalls->push_back({Stall::Kind::kAbandoned, {}, lock, owner, {}});
    }
    (*stalls)[found->second].threads.push_back(static_cast<Index>(t));
  }
}

// Everybody stuck belongs to the nearest root.
void WaitForGraph::AddBehind(std::vector<Stall>* stalls) const {
  std::vector<std::vector<Index>> waiters(process_.threads.size());
  for (size_t t = 0; t < waiters.size(); ++t) {
    if (stuck_[t]) {
      for (const Index needed : StuckNeeds(static_cast<Index>(t))) {
        waiters[static_cast<size_t>(needed)].push_back(static_cast<Index>(t));
      }
    }
  }
  std::vector<bool> seen(process_.threads.size(), false);
  std::deque<std::pair<Index, size_t>> open;
  for (size_t s = 0; s < stalls->size(); ++s) {
    for (const Index thread : (*stalls)[s].threads) {
      seen[static_cast<size_t>(thread)] = true;
      open.emplace_back(thread, s);
    }
  }
  while (!open.empty()) {
    const auto [thread, stall] = open.front();
    open.pop_front();
    for (const Index waiter : waiters[static_cast<size_t>(thread)]) {
      if (!seen[static_cast<size_t>(waiter)]) {
        seen[static_cast<size_t>(waiter)] = true;
        (*stalls)[stall].behind.push_back(waiter);
        open.emplace_back(waiter, stall);
      }
    }
  }
}

std::vector<Stall> WaitForGraph::Stalls() {
  std::vector<Stall> stalls;
  AddCycles(&stalls);
  AddAbandoned(&stalls);
  AddBehind(&stalls);
  return stalls;
}

}  // namespace

std::vector<bool> StuckNodes(const std::vector<Need>& needs) {
  std::vector<std::vector<int32_t>> needed_by(needs.size());
  std::vector<size_t> missing(needs.size());
  std::vector<bool> stuck(needs.size(), true);
  std::vector<int32_t> open;
  for (size_t n = 0; n < needs.size(); ++n) {
    const Need& need = needs[n];
    missing[n] = need.kind == Need::Kind::kAll ? need.nodes.size() : 1;
    for (const int32_t node : need.nodes) {
      needed_by[static_cast<size_t>(node)].push_back(static_cast<int32_t>(n));
    }
    if (missing[n] == 0) {
      stuck[n] = false;
      open.push_back(static_cast<int32_t>(n));
    }
  }
  while (!open.empty()) {
    const int32_t node = open.back();
    open.pop_back();
    for (const int32_t waiter : needed_by[static_cast<size_t>(node)]) {
      const auto w = static_cast<size_t>(waiter);
      if (stuck[w] && --missing[w] == 0) {
        stuck[w] = false;
        open.push_back(waiter);
      }
    }
  }
  return stuck;
}

std::vector<Stall> FindStalls(const trace::Process& process) { return WaitForGraph(process).Stalls(); }

Index LockBetween(const trace::Process& process, Index waiter, Index other) {
  const Index lock = AwaitedLock(process.threads[static_cast<size_t>(waiter)].wait);
  const std::vector<trace::Holding>& held = process.threads[static_cast<size_t>(other)].held;
  const bool holds =
      lock != kNoIndex &&
      std::any_of(held.begin(), held.end(), [lock](const trace::Holding& h) { return h.lock == lock; });
  return holds ? lock : kNoIndex;
}

}  // namespace gordian::analyze
