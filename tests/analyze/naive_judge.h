// The conditions of a lock-order cycle, written down once more as plainly as possible: every choice of
// dependencies is tried, and happens-before is the closure of a graph of all segments. Slow, for small runs.
#ifndef GORDIAN_TESTS_ANALYZE_NAIVE_JUDGE_H_
#define GORDIAN_TESTS_ANALYZE_NAIVE_JUDGE_H_

#include <algorithm>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "libsync/trace/run.h"

namespace gordian::test {

// The end of a thread is a thing like a lock: the thread has it until it ends, whoever joins the thread waits
// for it.
inline constexpr trace::Index kFirstEnd = 1'000'000;

class NaiveJudge {
 public:
  using Cycle = std::vector<trace::Index>;  // locks and ends, begun at the lowest

  // `hand_overs`: those of conditions and semaphores order too.
  explicit NaiveJudge(const trace::Process& process, bool hand_overs = false) : process_(process) {
    AddBarriers();
    if (hand_overs) {
      AddHandOvers();
    }
    CloseOrder();
    for (const trace::Dependency& dependency : process.dependencies) {
      gates_.push_back(GatesOf(dependency));
    }
    for (const trace::Dependency& a : process.dependencies) {
      together_.emplace_back();
      for (const trace::Dependency& b : process.dependencies) {
        together_.back().push_back(a.thread != b.thread && Overlap(a, b) && !Gated(a, b));
      }
    }
  }

  bool Ordered(trace::Index a, uint32_t i, trace::Index b, uint32_t j) const {
    return order_.count({{a, i}, {b, j}}) != 0 || (a == b && i == j);
  }

  // Shortest first, then by lock; without those of which every edge stands in an earlier one.
  std::vector<Cycle> Cycles() {
    Try({});
    std::vector<Cycle> all(found_.begin(), found_.end());
    std::stable_sort(all.begin(), all.end(),
                     [](const Cycle& a, const Cycle& b) { return a.size() < b.size(); });
    std::vector<Cycle> result;
    std::set<std::pair<trace::Index, trace::Index>> covered;
    for (const Cycle& cycle : all) {
      bool is_new = false;
      for (size_t i = 0; i < cycle.size(); ++i) {
        is_new = covered.insert({cycle[i], cycle[(i + 1) % cycle.size()]}).second || is_new;
      }
      if (is_new) {
        result.push_back(cycle);
      }
    }
    return result;
  }

  // Whether these dependencies, each holding the lock at the same position of `locks`, can deadlock. Where a
  // reader waits for a reader, `writers` names who queues between them; nullptr: anybody may.
  bool IsDeadlock(const std::vector<trace::Index>& dependencies, const std::vector<trace::Index>& locks,
                  const std::vector<trace::Index>* writers = nullptr) const {
    std::vector<trace::Index> read;  // locks at which a reader waits for a reader
    for (size_t i = 0; i < dependencies.size(); ++i) {
      const size_t next = (i + 1) % dependencies.size();
      const trace::Dependency& waiter = At(dependencies[i]);
      const trace::Dependency& holder = At(dependencies[next]);
      if (Wanted(waiter) != locks[next] || !Has(holder, locks[next]) || Has(waiter, Wanted(waiter)) ||
          HeldSinceBefore(waiter, holder, locks[next])) {
        return false;
      }
      const trace::Holding* held = HoldingOf(holder, locks[next]);
      if (held != nullptr && held->mode == trace::Mode::kShared && waiter.mode == trace::Mode::kShared) {
        read.push_back(waiter.lock);
      }
      for (size_t j = 0; j < i; ++j) {
        if (locks[i] == locks[j] || !Together(dependencies[i], dependencies[j])) {
          return false;
        }
      }
    }
    return writers == nullptr ? AnyWriters(dependencies, read) : AreWriters(dependencies, read, *writers);
  }

  // Whether `writers`, in any order, are one for each of the locks, all at the same time as the others.
  bool AreWriters(std::vector<trace::Index> others, std::vector<trace::Index> locks,
                  const std::vector<trace::Index>& writers) const {
    std::vector<trace::Index> written;
    for (const trace::Index writer : writers) {
      if (!CanWrite(writer, others)) {
        return false;
      }
      written.push_back(At(writer).lock);
      others.push_back(writer);
    }
    std::sort(locks.begin(), locks.end());
    std::sort(written.begin(), written.end());
    return locks == written;
  }

 private:
  using Segment = std::pair<trace::Index, uint32_t>;
  struct Gate {
    trace::Index lock;
    trace::Mode mode;
    trace::Index owner;
    uint32_t acquisition;
  };

  const trace::Dependency& At(trace::Index dependency) const {
    return process_.dependencies[static_cast<size_t>(dependency)];
  }

  // Both at once: two threads, and nothing keeps them apart.
  bool Together(trace::Index a, trace::Index b) const {
    return together_[static_cast<size_t>(a)][static_cast<size_t>(b)];
  }

  bool CanWrite(trace::Index writer, const std::vector<trace::Index>& others) const {
    const trace::Dependency& queues = At(writer);
    return queues.mode == trace::Mode::kExclusive && HoldingOf(queues, queues.lock) == nullptr &&
           process_.locks[static_cast<size_t>(queues.lock)].kind == trace::LockKind::kWriterRwlock &&
           std::all_of(others.begin(), others.end(),
                       [&](trace::Index other) { return Together(writer, other); });
  }

  // Tries every writer for the first of the locks, then for the rest.
  bool AnyWriters(const std::vector<trace::Index>& others, const std::vector<trace::Index>& locks) const {
    if (locks.empty()) {
      return true;
    }
    for (size_t d = 0; d < process_.dependencies.size(); ++d) {
      const auto writer = static_cast<trace::Index>(d);
      if (At(writer).lock == locks.front() && CanWrite(writer, others)) {
        std::vector<trace::Index> more = others;
        more.push_back(writer);
        if (AnyWriters(more, {locks.begin() + 1, locks.end()})) {
          return true;
        }
      }
    }
    return false;
  }

  // What it waits for; kNoIndex for what orders nothing.
  static trace::Index Wanted(const trace::Dependency& dependency) {
    if ((dependency.flags & trace::kAwaitsThread) != 0) {
      const bool soft = (dependency.flags & trace::kSoftOrdered) != 0;
      return soft ? trace::kNoIndex : kFirstEnd + dependency.awaited_thread;
    }
    return dependency.lock;
  }

  static bool Has(const trace::Dependency& dependency, trace::Index thing) {
    return thing >= kFirstEnd ? dependency.thread == thing - kFirstEnd
                              : HoldingOf(dependency, thing) != nullptr;
  }

  // The holder joins a thread that it created while it held the lock already, and the waiter descends from
  // it.
  bool HeldSinceBefore(const trace::Dependency& waiter, const trace::Dependency& holder,
                       trace::Index lock) const {
    const trace::Holding* held = HoldingOf(holder, lock);
    if (held == nullptr || Wanted(holder) < kFirstEnd) {
      return false;
    }
    const trace::Index joined = holder.awaited_thread;
    bool descends = false;
    for (trace::Index up = waiter.thread; up != trace::kNoIndex;
         up = process_.threads[static_cast<size_t>(up)].creator) {
      descends = descends || up == joined;
    }
    const std::vector<trace::Holding>& then = process_.threads[static_cast<size_t>(joined)].create_held;
    return descends && std::any_of(then.begin(), then.end(), [held](const trace::Holding& each) {
             return each.lock == held->lock && each.acquisition == held->acquisition;
           });
  }

  static const trace::Holding* HoldingOf(const trace::Dependency& dependency, trace::Index lock) {
    for (const trace::Holding& held : dependency.held) {
      if (held.lock == lock) {
        return &held;
      }
    }
    return nullptr;
  }

  void AddBarriers() {
    for (const trace::Event& one : process_.events) {
      for (const trace::Event& other : process_.events) {
        if (one.kind == trace::EventKind::kBarrierPassed && other.kind == one.kind &&
            one.lock == other.lock && one.value == other.value) {
          order_.insert({{one.thread, one.error - 1}, {other.thread, other.error}});
        }
      }
    }
  }

  // The semaphores of a script begin with nothing: the n-th wait follows the first n posts.
  void AddHandOvers() {
    std::map<trace::Index, size_t> waits;
    for (size_t e = 0; e < process_.events.size(); ++e) {
      const trace::Event& took = process_.events[e];
      if (took.kind != trace::EventKind::kTook) {
        continue;
      }
      const bool condition =
          process_.locks[static_cast<size_t>(took.lock)].kind == trace::LockKind::kCondition;
      size_t left = ++waits[took.lock];
      for (size_t before = 0; before < e; ++before) {
        const trace::Event& gave = process_.events[before];
        if (gave.kind == trace::EventKind::kGave && gave.lock == took.lock &&
            (condition ? gave.value > took.value : left > 0 && left-- > 0)) {
          order_.insert({{gave.thread, gave.error}, {took.thread, took.error}});
        }
      }
    }
  }

  void CloseOrder() {
    std::vector<Segment> all;
    for (size_t t = 0; t < process_.threads.size(); ++t) {
      for (uint32_t s = 0; s <= process_.threads[t].segment; ++s) {
        all.emplace_back(static_cast<trace::Index>(t), s);
      }
    }
    for (const auto& [thread, segment] : all) {
      const trace::Thread& itself = process_.threads[static_cast<size_t>(thread)];
      if (segment < itself.segment) {
        order_.insert({{thread, segment}, {thread, segment + 1}});
      }
      if (segment == 0 && itself.creator != trace::kNoIndex) {
        order_.insert({{itself.creator, itself.creator_segment}, {thread, 0}});
      }
      if (segment == itself.segment && itself.joiner != trace::kNoIndex) {
        order_.insert({{thread, segment}, {itself.joiner, itself.joiner_segment}});
      }
    }
    for (const Segment& middle : all) {
      for (const Segment& first : all) {
        for (const Segment& last : all) {
          if (order_.count({first, middle}) != 0 && order_.count({middle, last}) != 0) {
            order_.insert({first, last});
          }
        }
      }
    }
  }

  bool Overlap(const trace::Dependency& a, const trace::Dependency& b) const {
    for (const uint32_t i : a.segments) {
      for (const uint32_t j : b.segments) {
        if (!Ordered(a.thread, i, b.thread, j) && !Ordered(b.thread, j, a.thread, i)) {
          return true;
        }
      }
    }
    return false;
  }

  std::vector<Gate> GatesOf(const trace::Dependency& dependency) const {
    std::vector<Gate> gates;
    for (const trace::Holding& held : dependency.held) {
      gates.push_back({held.lock, held.mode, dependency.thread, held.acquisition});
    }
    for (trace::Index t = dependency.thread; t != trace::kNoIndex;) {
      const trace::Thread& thread = process_.threads[static_cast<size_t>(t)];
      if (thread.joiner == trace::kNoIndex || thread.joiner != thread.creator) {
        break;
      }
      for (const trace::Holding& at_create : thread.create_held) {
        for (const trace::Holding& at_join : thread.join_held) {
          if (at_create.lock == at_join.lock && at_create.acquisition == at_join.acquisition) {
            gates.push_back({at_create.lock, at_create.mode, thread.creator, at_create.acquisition});
          }
        }
      }
      t = thread.creator;
    }
    return gates;
  }

  bool Gated(const trace::Dependency& a, const trace::Dependency& b) const {
    for (const Gate& x : gates_[static_cast<size_t>(&a - process_.dependencies.data())]) {
      for (const Gate& y : gates_[static_cast<size_t>(&b - process_.dependencies.data())]) {
        const bool both_read = x.mode == trace::Mode::kShared && y.mode == trace::Mode::kShared;
        // What the owner itself does while a child lives under its acquisition it does under the same one: a
        // dependency keeps only the number of its first observation.
        const bool same = x.owner == y.owner &&
                          (x.acquisition == y.acquisition || x.owner == a.thread || y.owner == b.thread);
        if (x.lock == y.lock && !both_read && !same) {
          return true;
        }
      }
    }
    return false;
  }

  // Every chain of dependencies that can be at the same time, each holding what the one before wants.
  void Try(const std::vector<trace::Index>& chain) {
    if (!chain.empty()) {
      Collect(chain);
    }
    if (chain.size() == process_.threads.size()) {
      return;
    }
    for (size_t d = 0; d < process_.dependencies.size(); ++d) {
      const auto next = static_cast<trace::Index>(d);
      const bool fits = chain.empty() || (Wanted(At(chain.back())) != trace::kNoIndex &&
                                          Has(At(next), Wanted(At(chain.back()))));
      if (fits && std::all_of(chain.begin(), chain.end(),
                              [&](trace::Index other) { return Together(other, next); })) {
        std::vector<trace::Index> longer = chain;
        longer.push_back(next);
        Try(longer);
      }
    }
  }

  void Collect(const std::vector<trace::Index>& chain) {
    Cycle locks = {Wanted(At(chain.back()))};
    for (size_t i = 0; i + 1 < chain.size(); ++i) {
      locks.push_back(Wanted(At(chain[i])));
    }
    if (chain.size() > 1 && IsDeadlock(chain, locks)) {
      std::rotate(locks.begin(), std::min_element(locks.begin(), locks.end()), locks.end());
      found_.insert(locks);
    }
  }

  const trace::Process& process_;
  std::set<std::pair<Segment, Segment>> order_;
  std::vector<std::vector<Gate>> gates_;     // by dependency
  std::vector<std::vector<bool>> together_;  // by two dependencies
  std::set<Cycle> found_;
};

}  // namespace gordian::test

#endif  // GORDIAN_TESTS_ANALYZE_NAIVE_JUDGE_H_
