#include "cli/watch/merge.h"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "libsync/analyze/lookup.h"

namespace gordian::cli {
namespace {

using trace::Index;
using trace::kNoIndex;
using trace::WaitKind;

// No object of the C library's is larger; a futex lies in it.
constexpr uint64_t kObjectBytes = 64;

bool IsFutexKind(WaitKind kind) {
  return kind == WaitKind::kLock || kind == WaitKind::kCondition || kind == WaitKind::kBarrier ||
         kind == WaitKind::kJoin || kind == WaitKind::kFutex;
}

class Merger {
 public:
  Merger(const trace::Process& seen, trace::Process* traced) : seen_(seen), traced_(traced) {}

  void Merge(const std::function<int32_t(int32_t)>& traced_tid) {
    for (trace::Thread& thread : traced_->threads) {
      thread.gone = true;
    }
    for (const trace::Thread& thread : seen_.threads) {
      threads_.push_back(ThreadOf(traced_tid(thread.tid), thread));
    }
    for (size_t t = 0; t < seen_.threads.size(); ++t) {
      MergeThread(seen_.threads[t], &traced_->threads[static_cast<size_t>(threads_[t])]);
    }
    for (size_t t = 0; t < seen_.threads.size(); ++t) {
      if (HasScript(seen_.threads[t].wait.stack)) {
        TranslateHoldings(&traced_->threads[static_cast<size_t>(threads_[t])]);
      }
    }
  }

 private:
  Index ThreadOf(int32_t tid, const trace::Thread& seen);
  void MergeThread(const trace::Thread& seen, trace::Thread* traced);
  bool MeanTheSame(const trace::Wait& traced, const trace::Wait& seen) const;
  bool LiesIn(uint64_t address, Index lock) const;
  bool HasScript(Index stack) const;
  // The trace has the semaphores that the interpreter makes it of.
  bool IsOfScript(const trace::Wait& seen) const;
  void TakeScriptHoldings(const trace::Thread& seen);
  void TranslateHoldings(trace::Thread* thread);
  bool TranslateHolding(const trace::Thread& thread, trace::Holding* holding);
  trace::Wait Take(trace::Wait wait);
  Index ModuleOf(Index module);
  trace::Frame FrameOf(trace::Frame frame);
  Index StackOf(Index stack);
  Index LockOf(Index lock);

  const trace::Process& seen_;
  trace::Process* traced_;
  // What stands in `seen` under an index has this one in `traced`.
  std::vector<Index> threads_;
  std::map<Index, Index> modules_;
  std::map<Index, Index> stacks_;
  std::map<Index, Index> locks_;
};

// A tid comes back for another thread: the last one has it.
Index Merger::ThreadOf(int32_t tid, const trace::Thread& seen) {
  const auto found = std::find_if(traced_->threads.rbegin(), traced_->threads.rend(),
                                  [tid](const trace::Thread& thread) { return thread.tid == tid; });
  if (found != traced_->threads.rend() && !seen.gone) {
    return static_cast<Index>(traced_->threads.rend() - found) - 1;
  }
  trace::Thread thread;
  thread.tid = tid;
  thread.name = seen.name;
  thread.flags = seen.flags;
  traced_->threads.push_back(std::move(thread));
  return static_cast<Index>(traced_->threads.size()) - 1;
}

void Merger::MergeThread(const trace::Thread& seen, trace::Thread* traced) {
  traced->state = seen.state;
  traced->gone = seen.gone;
  traced->live = true;
  traced->settled = seen.settled;
  traced->polls = seen.polls;
  TakeScriptHoldings(seen);
  if (HasScript(seen.wait.stack)) {
    traced->name = seen.name;
  }
  const bool same = MeanTheSame(traced->wait, seen.wait);
  // The trace knows a word, the look from outside knows what it is.
  const bool seen_says_more =
      IsOfScript(seen.wait) || (traced->wait.kind == WaitKind::kFutex && seen.wait.lock != kNoIndex);
  if (!same || seen_says_more) {
    const Index stack = same && !HasScript(seen.wait.stack) ? traced->wait.stack : kNoIndex;
    traced->wait = Take(seen.wait);
    traced->wait.stack = stack != kNoIndex ? stack : traced->wait.stack;
    return;
  }
  if (HasScript(seen.wait.stack)) {
    traced->wait.stack = StackOf(seen.wait.stack);
  }
  const trace::Lock* mutex = analyze::At(traced_->locks, traced->wait.mutex);
  traced->wait.reacquiring =
      traced->wait.kind == WaitKind::kCondition && mutex != nullptr && mutex->address == seen.wait.address;
  traced->wait.timed = seen.wait.timed;
  traced->wait.releasers = seen.wait.releasers;
  traced->wait.writes = seen.wait.writes;
  traced->wait.polls = seen.wait.polls;
  traced->wait.named = seen.wait.named;
  traced->wait.held_by = seen.wait.held_by;
  traced->wait.inherited = seen.wait.inherited;
  traced->wait.note = seen.wait.note;
}

bool Merger::LiesIn(uint64_t address, Index lock) const {
  const trace::Lock* found = analyze::At(traced_->locks, lock);
  return found != nullptr && address - found->address < kObjectBytes;
}

bool Merger::HasScript(Index stack) const {
  const trace::Stack* found = analyze::At(seen_.stacks, stack);
  return found != nullptr && std::any_of(found->frames.begin(), found->frames.end(),
                                         [](const trace::Frame& frame) { return frame.script != nullptr; });
}

bool Merger::IsOfScript(const trace::Wait& seen) const {
  const trace::Lock* lock = analyze::At(seen_.locks, seen.lock);
  return (lock != nullptr && lock->script) || (seen.kind == WaitKind::kJoin && HasScript(seen.stack));
}

void Merger::TakeScriptHoldings(const trace::Thread& seen) {
  for (const trace::Holding& holding : seen.held) {
    if (const trace::Lock* lock = analyze::At(seen_.locks, holding.lock); lock != nullptr && lock->script) {
      LockOf(holding.lock);
    }
  }
}

// From the semaphores that the interpreter takes to the locks of the program.
void Merger::TranslateHoldings(trace::Thread* thread) {
  std::vector<trace::Holding> translated;
  for (trace::Holding holding : thread->held) {
    if (TranslateHolding(*thread, &holding)) {
      translated.push_back(holding);
    }
  }
  thread->held = std::move(translated);
}

// False: it is none of the program's, or known already.
bool Merger::TranslateHolding(const trace::Thread& thread, trace::Holding* holding) {
  const trace::Lock* lock = analyze::At(traced_->locks, holding->lock);
  if (lock == nullptr || lock->script || lock->shared.has_value() || !analyze::IsSemaphore(*lock)) {
    return true;
  }
  const auto script = std::find_if(
      traced_->locks.begin(), traced_->locks.end(),
      [lock](const trace::Lock& other) { return other.script && other.address == lock->address; });
  if (script == traced_->locks.end()) {
    return !lock->interpreter;
  }
  const auto index = static_cast<Index>(script - traced_->locks.begin());
  const bool has_holder =
      std::any_of(traced_->threads.begin(), traced_->threads.end(), [index](const trace::Thread& other) {
        return std::any_of(other.held.begin(), other.held.end(),
                           [index](const trace::Holding& held) { return held.lock == index; });
      });
  // One that waits for what it took itself waits for a signal.
  const bool is_lock =
      (lock->flags & trace::kHandOff) == 0 && (lock->flags & (trace::kLockLike | trace::kBeganAtOne)) != 0;
  if (has_holder || !is_lock || !analyze::IsOwned(*script) || thread.wait.lock == index) {
    return false;
  }
  holding->lock = index;
  return true;
}

// The thread may be in a handler that interrupted what was recorded, or in what no hook sees.
bool Merger::MeanTheSame(const trace::Wait& traced, const trace::Wait& seen) const {
  switch (traced.kind) {
    case WaitKind::kLock: {
      const trace::Lock* lock = analyze::At(traced_->locks, traced.lock);
      if (lock != nullptr &&
          (analyze::IsFileLock(*lock) || lock->kind == trace::LockKind::kSystemVSemaphore)) {
        return seen.kind == WaitKind::kCall;
      }
      // A stream's lock lies behind its pointer. The kernel refuses the owner of a priority-inheriting mutex,
      // and glibc lets him wait for ever at a word of his stack.
      const bool elsewhere = lock != nullptr && (lock->kind == trace::LockKind::kStream ||
                                                 (lock->flags & trace::kPriorityInherit) != 0);
      return IsFutexKind(seen.kind) && (elsewhere || LiesIn(seen.address, traced.lock));
    }
    case WaitKind::kCondition:
      return IsFutexKind(seen.kind) &&
             (LiesIn(seen.address, traced.lock) || LiesIn(seen.address, traced.mutex));
    case WaitKind::kBarrier:
      return IsFutexKind(seen.kind) && LiesIn(seen.address, traced.lock);
    case WaitKind::kFutex:
      return IsFutexKind(seen.kind) && seen.address == traced.address;
    case WaitKind::kJoin:
    case WaitKind::kProcess:
    case WaitKind::kSleep:
      return traced.kind == seen.kind;
    case WaitKind::kCall:
    case WaitKind::kNone:
      break;
  }
  return false;
}

trace::Wait Merger::Take(trace::Wait wait) {
  wait.stack = StackOf(wait.stack);
  wait.lock = LockOf(wait.lock);
  wait.thread =
      analyze::At(threads_, wait.thread) != nullptr ? threads_[static_cast<size_t>(wait.thread)] : kNoIndex;
  return wait;
}

Index Merger::ModuleOf(Index module) {
  const trace::Module* seen = analyze::At(seen_.modules, module);
  if (seen == nullptr) {
    return kNoIndex;
  }
  const auto [known, is_new] = modules_.try_emplace(module, kNoIndex);
  if (is_new) {
    known->second = ModuleLike(*seen, traced_);
  }
  return known->second;
}

trace::Frame Merger::FrameOf(trace::Frame frame) {
  frame.module = ModuleOf(frame.module);
  return frame;
}

Index Merger::StackOf(Index stack) {
  const trace::Stack* seen = analyze::At(seen_.stacks, stack);
  if (seen == nullptr) {
    return kNoIndex;
  }
  const auto [known, is_new] = stacks_.try_emplace(stack, static_cast<Index>(traced_->stacks.size()));
  if (is_new) {
    trace::Stack copy = *seen;
    for (trace::Frame& frame : copy.frames) {
      frame = FrameOf(frame);
    }
    traced_->stacks.push_back(std::move(copy));
  }
  return known->second;
}

// With who holds it, as its own fields say.
Index Merger::LockOf(Index lock) {
  const trace::Lock* seen = analyze::At(seen_.locks, lock);
  if (seen == nullptr) {
    return kNoIndex;
  }
  const auto [known, is_new] = locks_.try_emplace(lock, static_cast<Index>(traced_->locks.size()));
  if (is_new) {
    trace::Lock copy = *seen;
    copy.place = FrameOf(copy.place);
    copy.create_stack = StackOf(copy.create_stack);
    copy.first_stack = StackOf(copy.first_stack);
    traced_->locks.push_back(std::move(copy));
    for (size_t t = 0; t < seen_.threads.size(); ++t) {
      for (trace::Holding held : seen_.threads[t].held) {
        if (held.lock == lock) {
          held.lock = known->second;
          held.stack = StackOf(held.stack);
          traced_->threads[static_cast<size_t>(threads_[t])].held.push_back(held);
        }
      }
    }
  }
  return known->second;
}

}  // namespace

void AddSeen(const trace::Process& seen, const std::function<int32_t(int32_t tid)>& traced_tid,
             trace::Process* traced) {
  Merger(seen, traced).Merge(traced_tid);
}

Index ModuleLike(const trace::Module& seen, trace::Process* traced) {
  std::vector<trace::Module>& modules = traced->modules;
  const auto same = std::find_if(modules.rbegin(), modules.rend(), [&seen](const trace::Module& m) {
    return m.start == seen.start && m.build_id == seen.build_id;
  });
  if (same != modules.rend()) {
    return static_cast<Index>(modules.rend() - same) - 1;
  }
  modules.push_back(seen);
  return static_cast<Index>(modules.size()) - 1;
}

}  // namespace gordian::cli
