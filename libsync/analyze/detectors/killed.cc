// lock-held-by-killed-process: a lock of several processes that nobody is left to release.
#include <sys/wait.h>

#include <algorithm>
#include <csignal>
#include <iterator>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "libsync/analyze/content.h"
#include "libsync/analyze/detectors/detectors.h"
#include "libsync/analyze/finding_builder.h"
#include "libsync/analyze/lookup.h"
#include "libsync/analyze/process_tree.h"

namespace gordian::analyze {
namespace {

constexpr size_t kMostWaiters = 20;

uint64_t Bit(int signal) { return uint64_t{1} << (signal - 1); }

// A mistake of the process itself, not somebody's wish.
bool IsCrash(int signal) {
  constexpr int crashes[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS};
  return std::find(std::begin(crashes), std::end(crashes), signal) != std::end(crashes);
}

// Who sent the signal: an event of a process of the run.
struct Sender {
  Index process = kNoIndex;
  const trace::Event* event = nullptr;
};

// How a process was killed.
struct Death {
  Index process = kNoIndex;  // its last image
  int signal = 0;
  Sender sender;
};

class KilledJudge {
 public:
  // `at_rest`: whoever could go on is in the Run, and nobody does.
  KilledJudge(const trace::Run& run, bool at_rest, std::vector<Finding>* findings)
      : run_(run), at_rest_(at_rest), tree_(run), content_(run), findings_(findings), groups_(findings) {}

  void Judge() {
    std::vector<Death> deaths;
    for (const Descent& descent : tree_.descents()) {
      if (const std::optional<Death> death = DeathOf(descent)) {
        deaths.push_back(*death);
        killed_.insert(death->process);
      }
    }
    for (const Death& death : deaths) {
      JudgeDeath(death);
    }
  }

 private:
  const trace::Process& ProcessAt(Index process) const {
    return run_.processes[static_cast<size_t>(process)];
  }

  std::optional<int32_t> StatusOf(const Descent& descent) const;
  std::optional<Death> DeathOf(const Descent& descent) const;
  Sender SenderOf(const trace::Process& killed, std::optional<int> signal) const;
  void JudgeDeath(const Death& death);
  bool IsCertain(Index process, Index lock) const;
  bool StaysLocked(Index process, Index lock) const;
  bool Misses(Index killed, Index process, Index lock) const;
  bool Outlived(Index killed, Index process) const;
  bool IsLock(const trace::Lock& lock) const;
  bool StaysLockedInMemory(Index process, const trace::Lock& lock) const;
  bool StaysLockedInFile(Index process, Index lock) const;
  bool IsHeldElsewhere(Index process, const trace::SharedIdentity& file) const;
  std::vector<std::pair<Index, Index>> WaitersOf(Index process, const trace::SharedIdentity& lock) const;
  LockPart BestKnown(Index process, Index lock) const;
  Finding Tell(const Death& death, Index thread, const trace::Holding& held);
  static std::string HowToMend(const trace::Lock& record, int lock);
  std::string How(const Death& death, FindingBuilder* builder) const;

  const trace::Run& run_;
  const bool at_rest_;
  const ProcessTree tree_;
  std::set<Index> killed_;  // last images
  Content content_;
  std::vector<Finding>* findings_;
  FindingGroups groups_;
};

std::optional<int32_t> KilledJudge::StatusOf(const Descent& descent) const {
  if (descent.observed->status) {
    return descent.observed->status;
  }
  const trace::Process* parent = At(run_.processes, descent.process);
  const trace::Child* child = parent != nullptr ? At(parent->children, descent.child) : nullptr;
  return child != nullptr && (child->flags & trace::kReaped) != 0 ? std::optional(child->reap_status)
                                                                  : descent.observed->zombie_status;
}

std::optional<Death> KilledJudge::DeathOf(const Descent& descent) const {
  // What gordian itself ended when the run hung is no fault of the run's.
  if (descent.observed->ended_by_gordian) {
    return std::nullopt;
  }
  Death death;
  death.process = tree_.LastImage(descent.observed->pid, descent.observed->start_ticks);
  const trace::Process* process = At(run_.processes, death.process);
  if (process == nullptr || !process->ended || EndedItself(*process) || process->end == trace::End::kExec) {
    return std::nullopt;
  }
  if (const std::optional<int32_t> status = StatusOf(descent)) {
    if (!WIFSIGNALED(*status)) {
      return std::nullopt;
    }
    death.signal = WTERMSIG(*status);
    death.sender = SenderOf(*process, death.signal);
  } else {
    // Nobody told how it ended; but this signal, sent to it alone, leaves no choice.
    death.signal = SIGKILL;
    death.sender = SenderOf(*process, death.signal);
    if (death.sender.event == nullptr || static_cast<int32_t>(death.sender.event->value) != process->pid) {
      return std::nullopt;
    }
  }
  return death;
}

// A process, a group, or all: which groups it was in is not known.
bool MayReach(int32_t target, int32_t pid) { return target == pid || target <= 0; }

// The last one that was sent to this process while it lived; to its group only where none went to it alone.
Sender KilledJudge::SenderOf(const trace::Process& killed, std::optional<int> signal) const {
  Sender sender;
  bool alone = false;
  for (size_t p = 0; p < run_.processes.size(); ++p) {
    for (const trace::Event& event : run_.processes[p].events) {
      const auto target = static_cast<int32_t>(event.value);
      const bool sent = event.kind == trace::EventKind::kKill && MayReach(target, killed.pid) &&
                        static_cast<int>(event.value >> 32) == signal && event.time_ns >= killed.start_ns;
      const bool is_better = sender.event == nullptr || (target == killed.pid) > alone ||
                             ((target == killed.pid) == alone && sender.event->time_ns < event.time_ns);
      if (sent && is_better) {
        sender = {static_cast<Index>(p), &event};
        alone = target == killed.pid;
      }
    }
  }
  return sender;
}

// It was there after the end of `killed`.
bool KilledJudge::Outlived(Index killed, Index process) const {
  const trace::Process& dead = ProcessAt(killed);
  const std::vector<trace::Child>& children = ProcessAt(process).children;
  return !killed_.contains(process) ||
         std::any_of(children.begin(), children.end(), [&dead](const trace::Child& child) {
           return child.pid == dead.pid && child.reap_ns > dead.start_ns;
         });
}

// A process that was not killed with it has taken the lock, or waits for it.
bool KilledJudge::Misses(Index killed, Index process, Index lock) const {
  const trace::Process& other = ProcessAt(process);
  return Outlived(killed, process) &&
         (std::any_of(other.dependencies.begin(), other.dependencies.end(),
                      [lock](const trace::Dependency& dependency) { return dependency.lock == lock; }) ||
          std::any_of(other.threads.begin(), other.threads.end(),
                      [lock](const trace::Thread& thread) { return AwaitedLock(thread.wait) == lock; }));
}

// In memory: somebody uses it who is left, and none has initialised it anew since, or posts it for others.
// Where all who used it are killed together, nobody misses it.
bool KilledJudge::StaysLockedInMemory(Index process, const trace::Lock& lock) const {
  bool used = false;
  for (size_t p = 0; p < run_.processes.size(); ++p) {
    const std::vector<trace::Lock>& locks = run_.processes[p].locks;
    for (size_t l = 0; l < locks.size(); ++l) {
      const trace::Lock& other = locks[l];
      if (static_cast<Index>(p) == process || other.shared != lock.shared) {
        continue;
      }
      const bool initialised = other.create_stack != kNoIndex && other.born_ns > lock.born_ns;
      if (initialised || (other.flags & (trace::kHandOff | trace::kRobust | trace::kDestroyed)) != 0) {
        return false;
      }
      used = used || Misses(process, static_cast<Index>(p), static_cast<Index>(l));
    }
  }
  return used;
}

// A semaphore that lets one in is a lock, as long as nobody but its holder was seen to post it. One that has
// not been posted yet may still become a signal: while others work on, it is left open what it is.
bool KilledJudge::IsLock(const trace::Lock& lock) const {
  if (!IsSemaphore(lock) || IsOwned(lock)) {
    return IsReportable(lock);
  }
  const auto began_at_one = [&lock](const trace::Process& process) {
    return std::any_of(process.locks.begin(), process.locks.end(), [&lock](const trace::Lock& other) {
      return other.shared == lock.shared && (other.flags & (trace::kBeganAtOne | trace::kLockLike)) != 0;
    });
  };
  return (run_.over || at_rest_) && (lock.flags & trace::kHandOff) == 0 && !lock.interpreter &&
         std::any_of(run_.processes.begin(), run_.processes.end(), began_at_one);
}

bool KilledJudge::IsHeldElsewhere(Index process, const trace::SharedIdentity& file) const {
  for (size_t p = 0; p < run_.processes.size(); ++p) {
    const trace::Process& other = run_.processes[p];
    for (const trace::Thread& thread : other.threads) {
      for (const trace::Holding& held : thread.held) {
        const trace::Lock* lock = At(other.locks, held.lock);
        if (static_cast<Index>(p) != process && lock != nullptr && lock->shared &&
            lock->shared->inode == file.inode && lock->shared->device == file.device) {
          return true;
        }
      }
    }
  }
  return false;
}

// The kernel gives a lock on a file back with its last descriptor: a child that was forked with it and never
// called exec has one (and could give it back, for which the lock is nobody's own). That it lives on is known
// from somebody who waits, while nobody else has the lock.
bool KilledJudge::StaysLockedInFile(Index process, Index index) const {
  const trace::Process& killed = ProcessAt(process);
  const trace::Lock& lock = killed.locks[static_cast<size_t>(index)];
  const auto of_lock = [index](const trace::Holding& held) { return held.lock == index; };
  const bool inherited =
      lock.kind != trace::LockKind::kPosixFileLock &&
      std::any_of(killed.children.begin(), killed.children.end(), [&](const trace::Child& child) {
        constexpr uint8_t without = trace::kExecd | trace::kCreateFailed | trace::kChildExited;
        return (child.flags & without) == 0 &&
               (std::any_of(child.held.begin(), child.held.end(), of_lock) ||
                std::any_of(child.others_held.begin(), child.others_held.end(), of_lock));
      });
  return inherited && !WaitersOf(process, *lock.shared).empty() && !IsHeldElsewhere(process, *lock.shared);
}

bool KilledJudge::StaysLocked(Index process, Index index) const {
  const trace::Lock* lock = At(ProcessAt(process).locks, index);
  if (lock == nullptr || !lock->shared || lock->kind == trace::LockKind::kSystemVSemaphore ||
      (lock->flags & (trace::kRobust | trace::kDestroyed)) != 0) {
    return false;
  }
  return IsFileLock(*lock) ? StaysLockedInFile(process, index)
                           : IsLock(*lock) && StaysLockedInMemory(process, *lock);
}

std::vector<std::pair<Index, Index>> KilledJudge::WaitersOf(Index process,
                                                            const trace::SharedIdentity& lock) const {
  std::vector<std::pair<Index, Index>> waiters;
  for (size_t p = 0; p < run_.processes.size(); ++p) {
    const trace::Process& other = run_.processes[p];
    if (static_cast<Index>(p) == process || !Outlived(process, static_cast<Index>(p))) {
      continue;
    }
    for (size_t t = 0; t < other.threads.size(); ++t) {
      const trace::Thread& thread = other.threads[t];
      const trace::Lock* awaited = At(other.locks, AwaitedLock(thread.wait));
      const bool waits = run_.over || (thread.settled && !thread.wait.timed);
      if (awaited != nullptr && awaited->shared == lock && waits && !IsDead(thread)) {
        waiters.emplace_back(static_cast<Index>(p), static_cast<Index>(t));
      }
    }
  }
  return waiters;
}

// While the run goes on somebody may still mend it, unless a thread waits for it for good.
bool KilledJudge::IsCertain(Index process, Index lock) const {
  const trace::Lock& held = ProcessAt(process).locks[static_cast<size_t>(lock)];
  return run_.over || !WaitersOf(process, *held.shared).empty();
}

void KilledJudge::JudgeDeath(const Death& death) {
  const trace::Process& process = ProcessAt(death.process);
  for (size_t t = 0; t < process.threads.size(); ++t) {
    for (const trace::Holding& held : process.threads[t].held) {
      if (StaysLocked(death.process, held.lock) && IsCertain(death.process, held.lock) &&
          !groups_.Again(absl::StrCat(content_.LockClass(death.process, held.lock), "|",
                                      content_.Stack(death.process, held.stack)))) {
        findings_->push_back(Tell(death, static_cast<Index>(t), held));
      }
    }
  }
}

// "SIGKILL from {thread:1}".
std::string KilledJudge::How(const Death& death, FindingBuilder* builder) const {
  const std::string name = SignalNames(Bit(death.signal));
  if (death.sender.event == nullptr) {
    return IsCrash(death.signal) ? absl::StrCat(name, ", a crash unless somebody outside the run sent it,")
           : death.signal == SIGKILL
               ? absl::StrCat(name, ", from outside the run, by itself, or for want of memory")
               : absl::StrCat(name, ", from outside the run");
  }
  const int thread = builder->In(death.sender.process).AddThread(death.sender.event->thread);
  if (thread < 0) {
    return absl::StrCat(name, " from another process of the run");
  }
  ThreadPart& part = builder->finding().threads[static_cast<size_t>(thread)];
  part.role = "sent the signal";
  part.at = builder->Stack(death.sender.event->stack);
  builder->AddStep(thread, absl::StrCat("sends ", name), -1, death.sender.event->stack);
  builder->AddIdentity(death.sender.event->stack);
  return absl::StrCat(name, " from ", ThreadName(thread));
}

// A child that got the lock by a fork knows neither its name nor where it was made.
LockPart KilledJudge::BestKnown(Index process, Index lock) const {
  const auto is_known = [](const trace::Lock& record) {
    return !record.name.empty() || record.create_stack != kNoIndex;
  };
  const trace::Lock& own = ProcessAt(process).locks[static_cast<size_t>(lock)];
  for (size_t p = 0; p < run_.processes.size() && !is_known(own); ++p) {
    const std::vector<trace::Lock>& locks = run_.processes[p].locks;
    const auto found = std::find_if(locks.begin(), locks.end(), [&](const trace::Lock& other) {
      return other.shared == own.shared && is_known(other);
    });
    if (found != locks.end()) {
      return {static_cast<Index>(p), static_cast<Index>(found - locks.begin())};
    }
  }
  return {process, lock};
}

std::string KilledJudge::HowToMend(const trace::Lock& record, int lock) {
  constexpr char kAsk[] =
      "Do not kill a process that may hold a lock: ask it to end{python: (an Event, an end marker in its "
      "queue) and join() it}.";
  if (IsFileLock(record)) {
    return absl::StrCat(kAsk,
                        " And close the locked file in the child{!python:, or open it with O_CLOEXEC "
                        "before an exec}.");
  }
  if (record.kind == trace::LockKind::kMutex || record.kind == trace::LockKind::kRecursiveMutex ||
      record.kind == trace::LockKind::kErrorcheckMutex || record.kind == trace::LockKind::kAdaptiveMutex) {
    return absl::StrCat(kAsk, " Or make ", LockName(lock),
                        " a robust mutex (pthread_mutexattr_setrobust), whose next owner is told.");
  }
  return absl::StrCat(kAsk, " Or take a lock on a file in place of ", LockName(lock),
                      ", which the kernel gives back.");
}

Finding KilledJudge::Tell(const Death& death, Index thread, const trace::Holding& held) {
  FindingBuilder builder("lock-held-by-killed-process", run_, death.process);
  Finding& finding = builder.finding();
  const int holder = builder.AddThread(thread);
  builder.AddHeld(holder, held);
  const int lock = builder.AddLock(held.lock);
  finding.locks[static_cast<size_t>(lock)] = BestKnown(death.process, held.lock);
  finding.threads[static_cast<size_t>(holder)].role = "was killed while holding it";
  builder.AddStep(holder, TakeWord(held.mode), lock, held.stack);
  builder.AddIdentity(held.stack);
  const std::string how = How(death, &builder);
  const trace::Lock& record = ProcessAt(death.process).locks[static_cast<size_t>(held.lock)];
  const auto waiters = WaitersOf(death.process, *record.shared);
  for (size_t w = 0; w < waiters.size() && w < kMostWaiters; ++w) {
    const auto& [process, index] = waiters[w];
    const trace::Wait& wait = ProcessAt(process).threads[static_cast<size_t>(index)].wait;
    const int part = builder.In(process).AddThread(index);
    WaitPart waits;
    waits.kind = trace::WaitKind::kLock;
    waits.lock = lock;
    waits.stack = builder.Stack(wait.stack);
    finding.threads[static_cast<size_t>(part)].role = "waits for it";
    finding.threads[static_cast<size_t>(part)].waits = std::move(waits);
    builder.AddStep(part, "blocks on", lock, wait.stack);
  }
  finding.title = absl::StrCat("A process was killed while ", ThreadName(holder), " held ", LockName(lock));
  finding.explanation = absl::StrCat(
      "Process ", ProcessAt(death.process).pid, ", in which ", ThreadName(holder), " held it, ended by ", how,
      " and left ", LockName(lock), " locked: ",
      IsFileLock(record) ? "a child that it forked has the locked file open and keeps the lock alive. "
                         : "it lies in memory of several processes, and only its holder could release it. ",
      waiters.empty() ? std::string("Whoever takes it next waits for good.")
                      : absl::StrCat(Counted(waiters.size(), "thread"), " of other processes ",
                                     waiters.size() == 1 ? "waits" : "wait", " for it."));
  finding.fix = HowToMend(record, lock);
  builder.AddCondition("several-processes",
                       IsFileLock(record) ? "a child has the locked file open"
                                          : "another process, which was not killed, uses the same lock");
  builder.AddCondition("not-recovered", "nobody was seen to initialise it anew or to release it for others");
  return std::move(finding);
}

}  // namespace

void JudgeKilled(const trace::Run& run, const Options& /*options*/, std::vector<Finding>* findings) {
  KilledJudge(run, false, findings).Judge();
}

std::vector<Finding> AnalyzeKilled(const trace::Run& run) {
  std::vector<Finding> findings;
  KilledJudge(run, true, &findings).Judge();
  return findings;
}

}  // namespace gordian::analyze
