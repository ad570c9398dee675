#include "libsync/analyze/wait_for_graph.h"

#include <algorithm>
#include <deque>
#include <map>
#include <utility>
#include <variant>

#include "absl/container/flat_hash_map.h"
#include "libsync/analyze/lookup.h"
#include "libsync/analyze/strong_components.h"

namespace gordian::analyze {
namespace {

using trace::Index;
using trace::kNoIndex;
using trace::Mode;
using trace::WaitKind;

// What the processes share is one object in all of them.
using LockKey = std::variant<std::pair<size_t, Index>, trace::SharedIdentity>;

class WaitForGraph {
 public:
  enum class Scope {
    kProcess,       // one process alone: what has no holder counts as something that somebody can end
    kRun,           // all processes; a signal that is caught, or who maps shared memory yet, may help
    kRunLeftAlone,  // the same if nothing of that kind comes
  };
  WaitForGraph(std::vector<const trace::Process*> processes, Scope scope);

  std::vector<Stall> Stalls();
  std::vector<Standstill> Standstills() const;
  bool IsStuck(size_t process, size_t thread) const {
    return stuck_[static_cast<size_t>(Node(process, thread))];
  }

 private:
  struct Holder {
    int32_t node = 0;
    Mode mode = Mode::kExclusive;
  };

  int32_t Node(size_t process, size_t thread) const { return first_[process] + static_cast<int32_t>(thread); }
  // The process as a whole; then nobody: a node that can never go on, for owners that are not there any more.
  int32_t ProcessNode(size_t process) const { return first_.back() + static_cast<int32_t>(process); }
  int32_t nobody() const { return ProcessNode(processes_.size()); }
  bool IsThread(int32_t node) const { return node < first_.back(); }
  ThreadRef RefOf(int32_t node) const;
  const trace::Thread& ThreadOf(int32_t node) const;
  LockKey KeyOf(size_t process, Index lock) const;

  bool Waits(const trace::Thread& thread) const;
  Need NeedOf(size_t process, size_t thread);
  void AddLockNeed(size_t process, size_t thread, Index lock, Mode mode, Need* need);
  void AddChildNeed(size_t process, Index child, Need* need);
  bool IsOrphanedByFork(const trace::Lock& lock, const LockKey& key) const;
  std::vector<int32_t> StuckNeeds(int32_t node) const;
  std::vector<std::vector<int32_t>> StuckSuccessors() const;
  std::vector<std::vector<int32_t>> Waiters() const;
  void AddCycles(std::vector<Stall>* stalls);
  void AddAbandoned(std::vector<Stall>* stalls) const;
  void AddBehind(std::vector<Stall>* stalls) const;
  std::vector<Index> ShortestCycle(const std::vector<int32_t>& members,
                                   const std::vector<int32_t>& component) const;
  bool IsRoot(const std::vector<int32_t>& members, const std::vector<bool>& is_member) const;

  const std::vector<const trace::Process*> processes_;
  const Scope scope_;
  std::vector<int32_t> first_;  // node of each process's first thread, and the number of all
  std::map<LockKey, std::vector<Holder>> holders_;
  std::map<LockKey, std::vector<int32_t>> writers_waiting_;
  std::vector<Need> needs_;
  std::vector<bool> stuck_;
};

WaitForGraph::WaitForGraph(std::vector<const trace::Process*> processes, Scope scope)
    : processes_(std::move(processes)), scope_(scope) {
  first_.push_back(0);
  for (const trace::Process* process : processes_) {
    first_.push_back(first_.back() + static_cast<int32_t>(process->threads.size()));
  }
  for (size_t p = 0; p < processes_.size(); ++p) {
    for (size_t t = 0; t < processes_[p]->threads.size(); ++t) {
      const trace::Thread& thread = processes_[p]->threads[t];
      for (const trace::Holding& held : thread.held) {
        holders_[KeyOf(p, held.lock)].push_back({Node(p, t), held.mode});
      }
      if (Waits(thread) && AwaitedLock(thread.wait) != kNoIndex && thread.wait.mode == Mode::kExclusive) {
        writers_waiting_[KeyOf(p, AwaitedLock(thread.wait))].push_back(Node(p, t));
      }
    }
  }
  needs_.resize(static_cast<size_t>(nobody()) + 1);
  for (size_t p = 0; p < processes_.size(); ++p) {
    Need& process = needs_[static_cast<size_t>(ProcessNode(p))];
    const bool helped = scope == Scope::kRun && processes_[p]->caught_signals != 0;
    process.kind = helped ? Need::Kind::kAll : Need::Kind::kAny;
    for (size_t t = 0; t < processes_[p]->threads.size(); ++t) {
      needs_[static_cast<size_t>(Node(p, t))] = NeedOf(p, t);
      if (!helped && !IsDead(processes_[p]->threads[t])) {
        process.nodes.push_back(Node(p, t));
      }
    }
  }
  needs_.back().kind = Need::Kind::kAny;
  stuck_ = StuckNodes(needs_);
}

ThreadRef WaitForGraph::RefOf(int32_t node) const {
  const auto after = std::upper_bound(first_.begin(), first_.end(), node);
  const auto process = after - first_.begin() - 1;
  return {static_cast<Index>(process), node - first_[static_cast<size_t>(process)]};
}

const trace::Thread& WaitForGraph::ThreadOf(int32_t node) const {
  const ThreadRef ref = RefOf(node);
  return processes_[static_cast<size_t>(ref.process)]->threads[static_cast<size_t>(ref.thread)];
}

LockKey WaitForGraph::KeyOf(size_t process, Index lock) const {
  const trace::Lock* found = At(processes_[process]->locks, lock);
  if (scope_ != Scope::kProcess && found != nullptr && found->shared) {
    return *found->shared;
  }
  return std::pair(process, lock);
}

bool WaitForGraph::Waits(const trace::Thread& thread) const {
  return thread.settled && !thread.wait.timed && !IsDead(thread) && thread.wait.kind != WaitKind::kNone;
}

Need WaitForGraph::NeedOf(size_t process, size_t index) {
  const trace::Thread& thread = processes_[process]->threads[index];
  Need need;
  if (!Waits(thread)) {
    return need;
  }
  const Index lock = AwaitedLock(thread.wait);
  if (lock != kNoIndex) {
    AddLockNeed(process, index, lock,
                thread.wait.kind == WaitKind::kLock ? thread.wait.mode : Mode::kExclusive, &need);
  } else if (thread.wait.kind == WaitKind::kJoin) {
    const trace::Thread* joined = At(processes_[process]->threads, thread.wait.thread);
    if (joined != nullptr && !IsDead(*joined)) {
      need.nodes.push_back(Node(process, static_cast<size_t>(thread.wait.thread)));
    }
  } else if (thread.wait.kind == WaitKind::kProcess && thread.wait.releasers.empty()) {
    AddChildNeed(process, thread.wait.child, &need);
  }
  // Without an inspector, somebody outside these records may end the wait for a condition or a process.
  if (need.nodes.empty() && scope_ != Scope::kProcess) {
    const bool helped = thread.wait.releasers.empty() || (scope_ == Scope::kRun && thread.wait.named);
    need.kind = helped ? Need::Kind::kAll : Need::Kind::kAny;
    for (size_t r = 0; r < thread.wait.releasers.size() && !helped; ++r) {
      const Index releaser = thread.wait.releasers[r];
      need.nodes.push_back(ProcessNode(static_cast<size_t>(releaser)));
    }
  }
  return need;
}

// A recorded child that has not ended by itself ends when its threads get on.
void WaitForGraph::AddChildNeed(size_t process, Index child_index, Need* need) {
  const trace::Child* child = At(processes_[process]->children, child_index);
  if (scope_ == Scope::kProcess || child == nullptr || child->reap_ns != 0) {
    return;
  }
  for (size_t p = processes_.size(); p-- > 0;) {
    // The last image of it counts.
    if (processes_[p]->pid == child->pid) {
      if (processes_[p]->end == trace::End::kNone && !processes_[p]->threads.empty()) {
        need->nodes.push_back(ProcessNode(p));
      }
      return;
    }
  }
}

void WaitForGraph::AddLockNeed(size_t process, size_t index, Index lock_index, Mode mode, Need* need) {
  const trace::Thread& thread = processes_[process]->threads[index];
  const trace::Lock* lock = At(processes_[process]->locks, lock_index);
  if (lock == nullptr || !IsOwned(*lock) || BelongsToProcess(*lock)) {
    return;
  }
  const LockKey key = KeyOf(process, lock_index);
  const auto holders = holders_.find(key);
  bool exclusive_holder = false;
  for (const Holder& holder : holders != holders_.end() ? holders->second : std::vector<Holder>{}) {
    const bool self = holder.node == Node(process, index);
    // These answer EDEADLK, count or convert: a thread never sleeps on its own. And who waits twice for a
    // semaphore expects somebody else to post it.
    const bool answers = lock->kind == trace::LockKind::kRecursiveMutex ||
                         lock->kind == trace::LockKind::kErrorcheckMutex ||
                         lock->kind == trace::LockKind::kStream || IsSemaphore(*lock) || thread.wait.converts;
    exclusive_holder = exclusive_holder || holder.mode == Mode::kExclusive;
    if (!Conflict(mode, holder.mode) || (self && answers)) {
      continue;
    }
    if (!IsDead(ThreadOf(holder.node))) {
      need->nodes.push_back(holder.node);
    } else if ((lock->flags & trace::kRobust) == 0 && !IsFileLock(*lock)) {
      need->nodes.push_back(nobody());
    }
  }
  if (mode == Mode::kShared && !exclusive_holder) {
    // Readers that sleep behind readers let a writer go first.
    for (const int32_t writer : writers_waiting_[key]) {
      if (writer != Node(process, index)) {
        need->nodes.push_back(writer);
      }
    }
  }
  if (IsOrphanedByFork(*lock, key)) {
    need->nodes.push_back(nobody());
  }
}

// Held at the fork by a thread that this child does not have. A process-shared lock is not a copy: its owner
// lives on in the parent.
bool WaitForGraph::IsOrphanedByFork(const trace::Lock& lock, const LockKey& key) const {
  const auto holders = holders_.find(key);
  return (lock.flags & trace::kInherited) != 0 &&
         (lock.flags & (trace::kProcessShared | trace::kRobust)) == 0 && lock.owner_at_fork != 0 &&
         (holders == holders_.end() || holders->second.empty());
}

std::vector<int32_t> WaitForGraph::StuckNeeds(int32_t node) const {
  std::vector<int32_t> result;
  for (const int32_t needed : needs_[static_cast<size_t>(node)].nodes) {
    if (needed != nobody() && stuck_[static_cast<size_t>(needed)]) {
      result.push_back(needed);
    }
  }
  std::sort(result.begin(), result.end());
  result.erase(std::unique(result.begin(), result.end()), result.end());
  return result;
}

std::vector<std::vector<int32_t>> WaitForGraph::StuckSuccessors() const {
  std::vector<std::vector<int32_t>> successors(needs_.size());
  for (size_t n = 0; n < successors.size(); ++n) {
    if (stuck_[n]) {
      successors[n] = StuckNeeds(static_cast<int32_t>(n));
    }
  }
  return successors;
}

std::vector<std::vector<int32_t>> WaitForGraph::Waiters() const {
  std::vector<std::vector<int32_t>> waiters(needs_.size());
  for (size_t n = 0; n < waiters.size(); ++n) {
    if (stuck_[n]) {
      for (const int32_t needed : StuckNeeds(static_cast<int32_t>(n))) {
        waiters[static_cast<size_t>(needed)].push_back(static_cast<int32_t>(n));
      }
    }
  }
  return waiters;
}

// Breadth first from each member; knots are small.
std::vector<Index> WaitForGraph::ShortestCycle(const std::vector<int32_t>& members,
                                               const std::vector<int32_t>& component) const {
  std::vector<Index> best;
  for (const int32_t start : members) {
    absl::flat_hash_map<int32_t, int32_t> came_from = {{start, kNoIndex}};
    std::deque<int32_t> open = {start};
    while (!open.empty()) {
      const int32_t at = open.front();
      open.pop_front();
      for (const int32_t next : StuckNeeds(at)) {
        if (next == start) {
          std::vector<Index> cycle;
          for (int32_t step = at; step != kNoIndex; step = came_from[step]) {
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

std::vector<std::vector<int32_t>> MembersOf(const std::vector<int32_t>& component) {
  std::vector<std::vector<int32_t>> members;
  for (size_t n = 0; n < component.size(); ++n) {
    if (component[n] >= 0) {
      members.resize(std::max(members.size(), static_cast<size_t>(component[n]) + 1));
      members[static_cast<size_t>(component[n])].push_back(static_cast<int32_t>(n));
    }
  }
  return members;
}

// Of one process: its nodes are its threads, in their order.
void WaitForGraph::AddCycles(std::vector<Stall>* stalls) {
  const std::vector<std::vector<int32_t>> successors = StuckSuccessors();
  const std::vector<int32_t> component = CyclicComponents(successors);
  for (int32_t n = 0; IsThread(n); ++n) {
    const std::vector<int32_t>& next = successors[static_cast<size_t>(n)];
    if (component[static_cast<size_t>(n)] < 0 && std::binary_search(next.begin(), next.end(), n)) {
      stalls->push_back({Stall::Kind::kCycle, {n}, kNoIndex, kNoIndex, {}});
    }
  }
  for (const std::vector<int32_t>& knot : MembersOf(component)) {
    if (std::all_of(knot.begin(), knot.end(), [this](int32_t node) { return IsThread(node); })) {
      stalls->push_back({Stall::Kind::kCycle, ShortestCycle(knot, component), kNoIndex, kNoIndex, {}});
    }
  }
}

void WaitForGraph::AddAbandoned(std::vector<Stall>* stalls) const {
  const trace::Process& process = *processes_.front();
  absl::flat_hash_map<Index, size_t> stall_of_lock;
  for (size_t t = 0; t < process.threads.size(); ++t) {
    const std::vector<int32_t>& nodes = needs_[t].nodes;
    if (std::find(nodes.begin(), nodes.end(), nobody()) == nodes.end()) {
      continue;
    }
    const Index lock = AwaitedLock(process.threads[t].wait);
    const auto [found, is_new] = stall_of_lock.try_emplace(lock, stalls->size());
    if (is_new) {
      Index owner = kNoIndex;
      const auto holders = holders_.find(KeyOf(0, lock));
      for (const Holder& holder : holders != holders_.end() ? holders->second : std::vector<Holder>{}) {
        owner = IsDead(process.threads[static_cast<size_t>(holder.node)]) ? holder.node : owner;
      }
      stalls->push_back({Stall::Kind::kAbandoned, {}, lock, owner, {}});
    }
    (*stalls)[found->second].threads.push_back(static_cast<Index>(t));
  }
}

// Everybody stuck belongs to the nearest root.
void WaitForGraph::AddBehind(std::vector<Stall>* stalls) const {
  const std::vector<std::vector<int32_t>> waiters = Waiters();
  std::vector<bool> seen(needs_.size(), false);
  std::deque<std::pair<int32_t, size_t>> open;
  for (size_t s = 0; s < stalls->size(); ++s) {
    for (const Index thread : (*stalls)[s].threads) {
      seen[static_cast<size_t>(thread)] = true;
      open.emplace_back(thread, s);
    }
  }
  while (!open.empty()) {
    const auto [node, stall] = open.front();
    open.pop_front();
    for (const int32_t waiter : waiters[static_cast<size_t>(node)]) {
      if (IsThread(waiter) && !seen[static_cast<size_t>(waiter)]) {
        seen[static_cast<size_t>(waiter)] = true;
        (*stalls)[stall].behind.push_back(waiter);
        open.emplace_back(waiter, stall);
      }
    }
  }
}

// Every way out leads back: to no other knot, and to no owner that is gone.
bool WaitForGraph::IsRoot(const std::vector<int32_t>& members, const std::vector<bool>& is_member) const {
  return std::all_of(members.begin(), members.end(), [&](int32_t member) {
    const std::vector<int32_t>& nodes = needs_[static_cast<size_t>(member)].nodes;
    return std::all_of(nodes.begin(), nodes.end(), [&](int32_t node) {
      const auto n = static_cast<size_t>(node);
      return node != nobody() && (is_member[n] || !stuck_[n]);
    });
  });
}

std::vector<Standstill> WaitForGraph::Standstills() const {
  const std::vector<std::vector<int32_t>> waiters = Waiters();
  std::vector<Standstill> result;
  for (const std::vector<int32_t>& knot : MembersOf(CyclicComponents(StuckSuccessors()))) {
    std::vector<bool> seen(needs_.size(), false);
    for (const int32_t node : knot) {
      seen[static_cast<size_t>(node)] = true;
    }
    const ThreadRef first = RefOf(knot.front());
    const bool in_one = std::all_of(knot.begin(), knot.end(), [&](int32_t node) {
      return IsThread(node) && RefOf(node).process == first.process;
    });
    if (in_one || !IsRoot(knot, seen)) {
      continue;
    }
    Standstill standstill;
    std::deque<int32_t> open;
    for (const int32_t node : knot) {
      open.push_back(node);
      if (IsThread(node)) {
        standstill.threads.push_back(RefOf(node));
      }
    }
    while (!open.empty()) {
      const int32_t node = open.front();
      open.pop_front();
      for (const int32_t waiter : waiters[static_cast<size_t>(node)]) {
        if (!seen[static_cast<size_t>(waiter)]) {
          seen[static_cast<size_t>(waiter)] = true;
          open.push_back(waiter);
          if (IsThread(waiter)) {
            standstill.behind.push_back(RefOf(waiter));
          }
        }
      }
    }
    result.push_back(std::move(standstill));
  }
  return result;
}

std::vector<Stall> WaitForGraph::Stalls() {
  std::vector<Stall> stalls;
  AddCycles(&stalls);
  AddAbandoned(&stalls);
  AddBehind(&stalls);
  return stalls;
}

WaitForGraph GraphOf(const trace::Run& run, WaitForGraph::Scope scope) {
  std::vector<const trace::Process*> processes;
  processes.reserve(run.processes.size());
  for (const trace::Process& process : run.processes) {
    processes.push_back(&process);
  }
  return WaitForGraph(std::move(processes), scope);
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

std::vector<Stall> FindStalls(const trace::Process& process) {
  return WaitForGraph({&process}, WaitForGraph::Scope::kProcess).Stalls();
}

std::vector<Standstill> FindStandstills(const trace::Run& run) {
  std::vector<Standstill> result = GraphOf(run, WaitForGraph::Scope::kRun).Standstills();
  for (Standstill& standstill : GraphOf(run, WaitForGraph::Scope::kRunLeftAlone).Standstills()) {
    const bool certain = std::any_of(result.begin(), result.end(), [&](const Standstill& other) {
      return std::find(other.threads.begin(), other.threads.end(), standstill.threads.front()) !=
             other.threads.end();
    });
    if (!certain) {
      standstill.certain = false;
      result.push_back(std::move(standstill));
    }
  }
  return result;
}

std::vector<std::vector<bool>> StuckThreads(const trace::Run& run) {
  const WaitForGraph graph = GraphOf(run, WaitForGraph::Scope::kRun);
  std::vector<std::vector<bool>> stuck(run.processes.size());
  for (size_t p = 0; p < stuck.size(); ++p) {
    for (size_t t = 0; t < run.processes[p].threads.size(); ++t) {
      stuck[p].push_back(graph.IsStuck(p, t));
    }
  }
  return stuck;
}

Index LockBetween(const trace::Process& process, Index waiter, Index other) {
  const Index lock = AwaitedLock(process.threads[static_cast<size_t>(waiter)].wait);
  const std::vector<trace::Holding>& held = process.threads[static_cast<size_t>(other)].held;
  const bool holds =
      lock != kNoIndex &&
      std::any_of(held.begin(), held.end(), [lock](const trace::Holding& h) { return h.lock == lock; });
  return holds ? lock : kNoIndex;
}

}  // namespace gordian::analyze
