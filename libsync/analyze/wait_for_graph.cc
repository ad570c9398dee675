#include "libsync/analyze/wait_for_graph.h"

#include <algorithm>
#include <cstddef>
#include <deque>
#include <iterator>
#include <map>
#include <numeric>
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

// What the processes share is one object in all of them. flock and fcntl know nothing of each other.
using LockKey = std::variant<std::pair<size_t, Index>, std::pair<trace::SharedIdentity, bool>>;

bool IsRange(const trace::Lock& lock) {
  return lock.shared.has_value() && IsFileLock(lock) && lock.kind != trace::LockKind::kFlock;
}

uint64_t EndOf(const trace::SharedIdentity& range) {
  return range.length == 0 ? UINT64_MAX : range.offset + range.length;
}

// A stall, and the nodes that it was found by.
struct Root {
  Stall stall;
  std::vector<int32_t> nodes;
};

class WaitForGraph {
 public:
  // `left_alone`: no handler of a signal comes to help, and nobody who maps their shared memory yet.
  WaitForGraph(const trace::Run& run, const std::vector<Index>& processes, bool left_alone);

  std::vector<Stall> Stalls() const;
  bool IsStuck(size_t process, size_t thread) const {
    return stuck_[static_cast<size_t>(Node(process, thread))];
  }

 private:
  struct Holder {
    int32_t node = 0;
    Index holding = kNoIndex;  // of the thread
    Mode mode = Mode::kExclusive;
  };

  int32_t Node(size_t process, size_t thread) const { return first_[process] + static_cast<int32_t>(thread); }
  // The process as a whole; then nobody: a node that can never go on, for owners that are not there any more.
  int32_t ProcessNode(size_t process) const { return first_.back() + static_cast<int32_t>(process); }
  int32_t nobody() const { return ProcessNode(processes_.size()); }
  bool IsThread(int32_t node) const { return node < first_.back(); }
  size_t ProcessOf(int32_t thread_node) const;
  // By their indices in the run.
  ThreadRef RefOf(int32_t thread_node) const;
  const trace::Thread& ThreadOf(int32_t thread_node) const;

  LockKey KeyOf(size_t process, Index lock) const;
  // With what any of the processes says of it.
  bool IsHeldByAcquirer(const trace::Lock& lock, const LockKey& key) const;
  std::vector<Holder> HoldersOf(size_t process, Index lock) const;

  void Remember(size_t process, size_t thread);
  bool IsHelped(size_t process) const;
  bool Waits(const trace::Thread& thread) const;
  Need NeedOf(size_t process, size_t thread);
  void AddLockNeed(size_t process, size_t thread, Index lock, Mode mode, Need* need) const;
  void AddReleasers(const trace::Wait& wait, Need* need) const;
  void AddChildNeed(size_t process, Index child, Need* need) const;
  bool IsOrphanedByFork(const trace::Lock& lock, const LockKey& key) const;

  std::vector<int32_t> StuckNeeds(int32_t node) const;
  // Those that have what the node waits for.
  std::vector<int32_t> StuckHolders(int32_t node) const;
  std::vector<std::vector<int32_t>> Waiters() const;
  void AddKnots(std::vector<Root>* roots) const;
  // Of a semaphore that nobody but its takers has posted: whether it is a lock is not known, but where it
  // stands still they explain why.
  std::vector<int32_t> StuckTakers(int32_t node) const;
  enum class By { kHolders, kTakersToo };
  std::vector<int32_t> Ring(const std::vector<int32_t>& knot, By by) const;
  static std::vector<int32_t> ShortestCycle(const std::vector<int32_t>& members,
                                            const std::vector<int32_t>& component,
                                            const std::vector<std::vector<int32_t>>& successors);
  Stall::Edge EdgeBetween(int32_t waiter, int32_t next) const;
  Root CycleOf(const std::vector<int32_t>& ring) const;
  Root StandstillOf(const std::vector<int32_t>& knot) const;
  void AddAbandoned(std::vector<Root>* roots) const;
  void AddBehind(std::vector<Root>* roots) const;
  bool IsRoot(const std::vector<int32_t>& knot) const;

  std::vector<const trace::Process*> processes_;
  const std::vector<Index> index_;  // of each in the run
  std::map<Index, size_t> place_;   // of each of the run that is here
  const bool left_alone_;
  std::vector<int32_t> first_;  // node of each process's first thread, and the number of all
  std::map<LockKey, std::vector<Holder>> holders_;
  std::map<LockKey, uint16_t> flags_;  // of what several processes share
  std::map<LockKey, std::vector<int32_t>> writers_waiting_;
  std::vector<Need> needs_;
  std::vector<bool> awaits_holder_;  // by node: its needs have what it waits for
  std::vector<bool> stuck_;
};

WaitForGraph::WaitForGraph(const trace::Run& run, const std::vector<Index>& processes, bool left_alone)
    : index_(processes), left_alone_(left_alone) {
  first_.push_back(0);
  for (const Index index : index_) {
    place_[index] = processes_.size();
    processes_.push_back(&run.processes[static_cast<size_t>(index)]);
    first_.push_back(first_.back() + static_cast<int32_t>(processes_.back()->threads.size()));
  }
  for (size_t p = 0; p < processes_.size(); ++p) {
    for (size_t l = 0; l < processes_[p]->locks.size(); ++l) {
      const trace::Lock& lock = processes_[p]->locks[l];
      if (lock.shared.has_value()) {
        flags_[KeyOf(p, static_cast<Index>(l))] |= lock.flags;
      }
    }
    for (size_t t = 0; t < processes_[p]->threads.size(); ++t) {
      Remember(p, t);
    }
  }
  needs_.resize(static_cast<size_t>(nobody()) + 1);
  awaits_holder_.resize(needs_.size(), true);
  for (size_t p = 0; p < processes_.size(); ++p) {
    Need& process = needs_[static_cast<size_t>(ProcessNode(p))];
    process.kind = IsHelped(p) ? Need::Kind::kAll : Need::Kind::kAny;
    for (size_t t = 0; t < processes_[p]->threads.size(); ++t) {
      needs_[static_cast<size_t>(Node(p, t))] = NeedOf(p, t);
      if (!IsHelped(p) && !IsDead(processes_[p]->threads[t])) {
        process.nodes.push_back(Node(p, t));
      }
    }
  }
  needs_.back().kind = Need::Kind::kAny;
  stuck_ = StuckNodes(needs_);
}

void WaitForGraph::Remember(size_t p, size_t t) {
  const trace::Thread& thread = processes_[p]->threads[t];
  for (size_t h = 0; h < thread.held.size(); ++h) {
    holders_[KeyOf(p, thread.held[h].lock)].push_back(
        {Node(p, t), static_cast<Index>(h), thread.held[h].mode});
  }
  if (Waits(thread) && AwaitedLock(thread.wait) != kNoIndex && thread.wait.mode == Mode::kExclusive) {
    writers_waiting_[KeyOf(p, AwaitedLock(thread.wait))].push_back(Node(p, t));
  }
}

size_t WaitForGraph::ProcessOf(int32_t thread_node) const {
  const auto after = std::upper_bound(first_.begin(), first_.end(), thread_node);
  return static_cast<size_t>(after - first_.begin()) - 1;
}

ThreadRef WaitForGraph::RefOf(int32_t thread_node) const {
  const size_t process = ProcessOf(thread_node);
  return {index_[process], thread_node - first_[process]};
}

const trace::Thread& WaitForGraph::ThreadOf(int32_t thread_node) const {
  const size_t process = ProcessOf(thread_node);
  return processes_[process]->threads[static_cast<size_t>(thread_node - first_[process])];
}

LockKey WaitForGraph::KeyOf(size_t process, Index lock) const {
  const trace::Lock* found = At(processes_[process]->locks, lock);
  if (found != nullptr && found->shared) {
    return std::pair(*found->shared, found->kind == trace::LockKind::kFlock);
  }
  return std::pair(process, lock);
}

bool WaitForGraph::IsHeldByAcquirer(const trace::Lock& lock, const LockKey& key) const {
  const auto flags = flags_.find(key);
  return IsOwnedKind(lock.kind, flags != flags_.end() ? flags->second : lock.flags);
}

std::vector<WaitForGraph::Holder> WaitForGraph::HoldersOf(size_t process, Index index) const {
  const trace::Lock& lock = processes_[process]->locks[static_cast<size_t>(index)];
  if (!IsRange(lock)) {
    const auto holders = holders_.find(KeyOf(process, index));
    return holders != holders_.end() ? holders->second : std::vector<Holder>{};
  }
  // Whoever has a range that overlaps it.
  std::vector<Holder> result;
  const trace::SharedIdentity& own = *lock.shared;
  const trace::SharedIdentity first{own.space, own.device, own.inode, 0, 0};
  for (auto other = holders_.lower_bound(std::pair(first, false)); other != holders_.end(); ++other) {
    const auto& [range, is_flock] = std::get<1>(other->first);
    if (range.space != own.space || range.device != own.device || range.inode != own.inode) {
      break;
    }
    if (!is_flock && range.offset < EndOf(own) && own.offset < EndOf(range)) {
      result.insert(result.end(), other->second.begin(), other->second.end());
    }
  }
  return result;
}

bool WaitForGraph::IsHelped(size_t process) const {
  return !left_alone_ && processes_[process]->caught_signals != 0;
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
  if (need.nodes.empty()) {
    AddReleasers(thread.wait, &need);
    awaits_holder_[static_cast<size_t>(Node(process, index))] = thread.wait.kind == WaitKind::kProcess;
  }
  return need;
}

// Without an inspector, somebody outside these records may end the wait for a condition or a process.
void WaitForGraph::AddReleasers(const trace::Wait& wait, Need* need) const {
  if (wait.releasers.empty() || (!left_alone_ && wait.named)) {
    return;
  }
  for (const Index releaser : wait.releasers) {
    const auto here = place_.find(releaser);
    if (here == place_.end()) {
      need->nodes.clear();
      return;
    }
    need->nodes.push_back(ProcessNode(here->second));
  }
  need->kind = Need::Kind::kAny;
}

// A recorded child that has not ended by itself ends when its threads get on.
void WaitForGraph::AddChildNeed(size_t process, Index child_index, Need* need) const {
  const trace::Child* child = At(processes_[process]->children, child_index);
  if (child == nullptr || child->reap_ns != 0) {
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

void WaitForGraph::AddLockNeed(size_t process, size_t index, Index lock_index, Mode mode, Need* need) const {
  const trace::Thread& thread = processes_[process]->threads[index];
  const trace::Lock* lock = At(processes_[process]->locks, lock_index);
  if (lock == nullptr) {
    return;
  }
  const LockKey key = KeyOf(process, lock_index);
  if (!IsHeldByAcquirer(*lock, key)) {
    return;
  }
  bool exclusive_holder = false;
  for (const Holder& holder : HoldersOf(process, lock_index)) {
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
    if (BelongsToProcess(*lock)) {
      // The kernel gives such a lock back in ways that no record shows: it must say so itself.
      const size_t other = ProcessOf(holder.node);
      const std::vector<Index>& releasers = thread.wait.releasers;
      if (other != process &&
          std::find(releasers.begin(), releasers.end(), index_[other]) != releasers.end()) {
        need->nodes.push_back(ProcessNode(other));
      }
    } else if (!IsDead(ThreadOf(holder.node))) {
      need->nodes.push_back(holder.node);
    } else if ((lock->flags & trace::kRobust) == 0 && !IsFileLock(*lock)) {
      need->nodes.push_back(nobody());
    }
  }
  if (mode == Mode::kShared && !exclusive_holder) {
    // Readers that sleep behind readers let a writer go first.
    const auto writers = writers_waiting_.find(key);
    for (const int32_t writer :
         writers != writers_waiting_.end() ? writers->second : std::vector<int32_t>{}) {
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
  if (!stuck_[static_cast<size_t>(node)]) {
    return result;
  }
  for (const int32_t needed : needs_[static_cast<size_t>(node)].nodes) {
    if (needed != nobody() && stuck_[static_cast<size_t>(needed)]) {
      result.push_back(needed);
    }
  }
  std::sort(result.begin(), result.end());
  result.erase(std::unique(result.begin(), result.end()), result.end());
  return result;
}

std::vector<int32_t> WaitForGraph::StuckHolders(int32_t node) const {
  return awaits_holder_[static_cast<size_t>(node)] ? StuckNeeds(node) : std::vector<int32_t>{};
}

std::vector<std::vector<int32_t>> WaitForGraph::Waiters() const {
  std::vector<std::vector<int32_t>> waiters(needs_.size());
  for (size_t n = 0; n < waiters.size(); ++n) {
    for (const int32_t needed : StuckNeeds(static_cast<int32_t>(n))) {
      waiters[static_cast<size_t>(needed)].push_back(static_cast<int32_t>(n));
    }
  }
  return waiters;
}

std::vector<int32_t> WaitForGraph::StuckTakers(int32_t node) const {
  std::vector<int32_t> takers;
  if (!IsThread(node)) {
    return takers;
  }
  const size_t process = ProcessOf(node);
  const Index index = AwaitedLock(ThreadOf(node).wait);
  const trace::Lock* lock = At(processes_[process]->locks, index);
  if (lock == nullptr || !IsSemaphore(*lock)) {
    return takers;
  }
  const auto flags = flags_.find(KeyOf(process, index));
  if (((flags != flags_.end() ? flags->second : lock->flags) & trace::kHandOff) != 0) {
    return takers;
  }
  for (const Holder& holder : HoldersOf(process, index)) {
    if (holder.node != node && stuck_[static_cast<size_t>(holder.node)]) {
      takers.push_back(holder.node);
    }
  }
  return takers;
}

// Breadth first from each member; knots are small.
std::vector<int32_t> WaitForGraph::ShortestCycle(const std::vector<int32_t>& members,
                                                 const std::vector<int32_t>& component,
                                                 const std::vector<std::vector<int32_t>>& successors) {
  std::vector<int32_t> best;
  for (const int32_t start : members) {
    absl::flat_hash_map<int32_t, int32_t> came_from = {{start, kNoIndex}};
    std::deque<int32_t> open = {start};
    while (!open.empty()) {
      const int32_t at = open.front();
      open.pop_front();
      for (const int32_t next : successors[static_cast<size_t>(at)]) {
        if (next == start) {
          std::vector<int32_t> cycle;
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

// The smallest ring of a knot in which each waits for what the next one has; empty: there is none.
std::vector<int32_t> WaitForGraph::Ring(const std::vector<int32_t>& knot, By by) const {
  std::vector<std::vector<int32_t>> successors(needs_.size());
  for (const int32_t node : knot) {
    std::vector<int32_t> next = StuckHolders(node);
    if (next.empty() && by == By::kTakersToo) {
      next = StuckTakers(node);
    }
    std::erase_if(next,
                  [&knot](int32_t other) { return !std::binary_search(knot.begin(), knot.end(), other); });
    successors[static_cast<size_t>(node)] = std::move(next);
  }
  const std::vector<int32_t> component = CyclicComponents(successors);
  std::vector<int32_t> best;
  for (const std::vector<int32_t>& members : MembersOf(component)) {
    std::vector<int32_t> ring = ShortestCycle(members, component, successors);
    if (best.empty() || ring.size() < best.size()) {
      best = std::move(ring);
    }
  }
  return best;
}

Stall::Edge WaitForGraph::EdgeBetween(int32_t waiter, int32_t next) const {
  Stall::Edge edge;
  edge.lock = AwaitedLock(ThreadOf(waiter).wait);
  if (edge.lock == kNoIndex) {
    return edge;
  }
  for (const Holder& holder : HoldersOf(ProcessOf(waiter), edge.lock)) {
    if (holder.node == next) {
      edge.holding = holder.holding;
    }
  }
  return edge;
}

Root WaitForGraph::CycleOf(const std::vector<int32_t>& ring) const {
  Root root;
  root.stall.kind = Stall::Kind::kCycle;
  root.nodes = ring;
  std::vector<int32_t> threads;
  std::copy_if(ring.begin(), ring.end(), std::back_inserter(threads),
               [this](int32_t node) { return IsThread(node); });
  for (size_t i = 0; i < threads.size(); ++i) {
    root.stall.threads.push_back(RefOf(threads[i]));
    root.stall.edges.push_back(EdgeBetween(threads[i], threads[(i + 1) % threads.size()]));
  }
  return root;
}

Root WaitForGraph::StandstillOf(const std::vector<int32_t>& knot) const {
  Root root;
  root.stall.kind = Stall::Kind::kStandstill;
  root.nodes = knot;
  for (const int32_t node : knot) {
    if (IsThread(node)) {
      root.stall.threads.push_back(RefOf(node));
    }
  }
  return root;
}

void WaitForGraph::AddKnots(std::vector<Root>* roots) const {
  std::vector<std::vector<int32_t>> successors(needs_.size());
  for (size_t n = 0; n < successors.size(); ++n) {
    successors[n] = StuckNeeds(static_cast<int32_t>(n));
  }
  const std::vector<int32_t> component = CyclicComponents(successors);
  for (int32_t n = 0; IsThread(n); ++n) {
    const std::vector<int32_t>& next = successors[static_cast<size_t>(n)];
    if (component[static_cast<size_t>(n)] < 0 && std::binary_search(next.begin(), next.end(), n)) {
      roots->push_back(CycleOf({n}));
    }
  }
  for (const std::vector<int32_t>& knot : MembersOf(component)) {
    std::vector<int32_t> ring = Ring(knot, By::kHolders);
    if (ring.empty() && !IsRoot(knot)) {
      continue;
    }
    if (ring.empty()) {
      ring = Ring(knot, By::kTakersToo);
    }
    roots->push_back(ring.empty() ? StandstillOf(knot) : CycleOf(ring));
  }
}

void WaitForGraph::AddAbandoned(std::vector<Root>* roots) const {
  std::map<std::pair<size_t, Index>, size_t> root_of_lock;
  for (int32_t node = 0; IsThread(node); ++node) {
    const std::vector<int32_t>& nodes = needs_[static_cast<size_t>(node)].nodes;
    if (std::find(nodes.begin(), nodes.end(), nobody()) == nodes.end()) {
      continue;
    }
    const size_t process = ProcessOf(node);
    const Index lock = AwaitedLock(ThreadOf(node).wait);
    const auto [found, is_new] = root_of_lock.try_emplace({process, lock}, roots->size());
    if (is_new) {
      Stall stall;
      stall.kind = Stall::Kind::kAbandoned;
      stall.lock = lock;
      for (const Holder& holder : HoldersOf(process, lock)) {
        stall.owner = IsDead(ThreadOf(holder.node)) ? RefOf(holder.node) : stall.owner;
      }
      roots->push_back({std::move(stall), {}});
    }
    (*roots)[found->second].stall.threads.push_back(RefOf(node));
    (*roots)[found->second].nodes.push_back(node);
  }
}

// Everybody stuck belongs to the nearest root.
void WaitForGraph::AddBehind(std::vector<Root>* roots) const {
  const std::vector<std::vector<int32_t>> waiters = Waiters();
  std::vector<bool> seen(needs_.size(), false);
  std::deque<std::pair<int32_t, size_t>> open;
  for (size_t r = 0; r < roots->size(); ++r) {
    for (const int32_t node : (*roots)[r].nodes) {
      seen[static_cast<size_t>(node)] = true;
      open.emplace_back(node, r);
    }
  }
  while (!open.empty()) {
    const auto [node, root] = open.front();
    open.pop_front();
    for (const int32_t waiter : waiters[static_cast<size_t>(node)]) {
      if (seen[static_cast<size_t>(waiter)]) {
        continue;
      }
      seen[static_cast<size_t>(waiter)] = true;
      open.emplace_back(waiter, root);
      if (IsThread(waiter)) {
        (*roots)[root].stall.behind.push_back(RefOf(waiter));
      }
    }
  }
}

// Every way out leads back: to no other knot, and to no owner that is gone.
bool WaitForGraph::IsRoot(const std::vector<int32_t>& knot) const {
  return std::all_of(knot.begin(), knot.end(), [&](int32_t member) {
    const std::vector<int32_t>& nodes = needs_[static_cast<size_t>(member)].nodes;
    return std::all_of(nodes.begin(), nodes.end(), [&](int32_t node) {
      return node != nobody() &&
             (std::binary_search(knot.begin(), knot.end(), node) || !stuck_[static_cast<size_t>(node)]);
    });
  });
}

std::vector<Stall> WaitForGraph::Stalls() const {
  std::vector<Root> roots;
  AddKnots(&roots);
  AddAbandoned(&roots);
  AddBehind(&roots);
  std::vector<Stall> stalls;
  stalls.reserve(roots.size());
  for (Root& root : roots) {
    stalls.push_back(std::move(root.stall));
  }
  return stalls;
}

std::vector<Index> AllOf(const trace::Run& run) {
  std::vector<Index> all(run.processes.size());
  std::iota(all.begin(), all.end(), 0);
  return all;
}

bool Tells(const Stall& stall, const ThreadRef& ref) {
  return std::find(stall.threads.begin(), stall.threads.end(), ref) != stall.threads.end() ||
         std::find(stall.behind.begin(), stall.behind.end(), ref) != stall.behind.end();
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

std::vector<Stall> FindStalls(const trace::Run& run) { return FindStalls(run, AllOf(run)); }

std::vector<Stall> FindStalls(const trace::Run& run, const std::vector<Index>& processes) {
  std::vector<Stall> result = WaitForGraph(run, processes, false).Stalls();
  const size_t certain = result.size();
  for (Stall& stall : WaitForGraph(run, processes, true).Stalls()) {
    const bool is_told = std::any_of(stall.threads.begin(), stall.threads.end(), [&](const ThreadRef& ref) {
      return std::any_of(result.begin(), result.begin() + static_cast<std::ptrdiff_t>(certain),
                         [&](const Stall& other) { return Tells(other, ref); });
    });
    if (!is_told) {
      stall.certain = false;
      result.push_back(std::move(stall));
    }
  }
  return result;
}

std::vector<std::vector<bool>> StuckThreads(const trace::Run& run) {
  const WaitForGraph graph(run, AllOf(run), false);
  std::vector<std::vector<bool>> stuck(run.processes.size());
  for (size_t p = 0; p < stuck.size(); ++p) {
    for (size_t t = 0; t < run.processes[p].threads.size(); ++t) {
      stuck[p].push_back(graph.IsStuck(p, t));
    }
  }
  return stuck;
}

}  // namespace gordian::analyze
