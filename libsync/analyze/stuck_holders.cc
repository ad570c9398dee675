#include "libsync/analyze/stuck_holders.h"

#include <algorithm>
#include <cstddef>
#include <optional>

#include "libsync/analyze/lookup.h"

namespace gordian::analyze {
namespace {

using trace::Index;
using trace::kNoIndex;

bool IsSameLock(const trace::Process& process, Index lock, const trace::Process& other, Index other_lock) {
  if (&process == &other) {
    return lock == other_lock;
  }
  const trace::Lock* a = At(process.locks, lock);
  const trace::Lock* b = At(other.locks, other_lock);
  return a != nullptr && b != nullptr && a->shared && a->shared == b->shared;
}

bool IsLockWait(const trace::Process& process, const trace::Thread& thread) {
  const trace::Lock* lock = At(process.locks, AwaitedLock(thread.wait));
  return thread.settled && !IsDead(thread) && !thread.wait.timed && lock != nullptr && IsReportable(*lock);
}

class Search {
 public:
  explicit Search(const trace::Run& run) : run_(run), stuck_(StuckThreads(run)) {}

  std::vector<StuckHolder> All() const {
    std::vector<StuckHolder> found;
    for (size_t p = 0; p < run_.processes.size(); ++p) {
      for (size_t t = 0; t < run_.processes[p].threads.size(); ++t) {
        if (stuck_[p][t] || !IsLockWait(run_.processes[p], run_.processes[p].threads[t])) {
          continue;
        }
        const ThreadRef waiter{static_cast<Index>(p), static_cast<Index>(t)};
        if (const auto holder = StuckHolderOf(waiter)) {
          found.push_back({waiter, *holder});
        }
      }
    }
    return found;
  }

 private:
  const trace::Process& ProcessOf(const ThreadRef& ref) const {
    return run_.processes[static_cast<size_t>(ref.process)];
  }
  const trace::Thread& ThreadAt(const ThreadRef& ref) const {
    return ProcessOf(ref).threads[static_cast<size_t>(ref.thread)];
  }

  // Who has what the thread waits for and does not get on; nullopt: nobody.
  std::optional<ThreadRef> StuckHolderOf(const ThreadRef& waiter) const {
    const trace::Wait& wait = ThreadAt(waiter).wait;
    const std::optional<ThreadRef> holder = HolderOf(ProcessOf(waiter), AwaitedLock(wait));
    if (holder) {
      return ThreadAt(*holder).polls ? holder : std::nullopt;
    }
    return wait.inherited ? std::optional(ThreadRef{}) : std::nullopt;
  }

  // The living thread that has it; nullopt: none, or several.
  std::optional<ThreadRef> HolderOf(const trace::Process& process, Index lock) const {
    std::optional<ThreadRef> holder;
    for (size_t p = 0; p < run_.processes.size(); ++p) {
      const trace::Process& other = run_.processes[p];
      for (size_t t = 0; t < other.threads.size() && !other.ended; ++t) {
        const bool has = std::any_of(
            other.threads[t].held.begin(), other.threads[t].held.end(),
            [&](const trace::Holding& held) { return IsSameLock(process, lock, other, held.lock); });
        if (has && !IsDead(other.threads[t])) {
          if (holder) {
            return std::nullopt;
          }
          holder = ThreadRef{static_cast<Index>(p), static_cast<Index>(t)};
        }
      }
    }
    return holder;
  }

  const trace::Run& run_;
  const std::vector<std::vector<bool>> stuck_;
};

}  // namespace

std::vector<StuckHolder> FindStuckHolders(const trace::Run& run) { return Search(run).All(); }

}  // namespace gordian::analyze
