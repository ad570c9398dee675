// Small questions that every detector asks of a Process.
//
// Thread safety: functions without shared state.
#ifndef GORDIAN_LIBSYNC_ANALYZE_LOOKUP_H_
#define GORDIAN_LIBSYNC_ANALYZE_LOOKUP_H_

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

#include "libsync/trace/run.h"

namespace gordian::analyze {

// The element, or nullptr where the index is kNoIndex or a damaged trace points nowhere.
template <typename T>
const T* At(const std::vector<T>& items, trace::Index index) {
  return index >= 0 && static_cast<size_t>(index) < items.size() ? &items[static_cast<size_t>(index)]
                                                                 : nullptr;
}

inline bool IsSemaphore(const trace::Lock& lock) {
  return lock.kind == trace::LockKind::kSemaphore || lock.kind == trace::LockKind::kNamedSemaphore ||
         lock.kind == trace::LockKind::kSystemVSemaphore;
}

// A lock that its acquirer alone gives back. Conditions and barriers are released by anybody, and so is a
// mutex that was once unlocked by a thread that did not hold it. A semaphore is a lock while its holder alone
// posts it.
inline bool IsOwnedKind(trace::LockKind kind, uint16_t flags) {
  switch (kind) {
    case trace::LockKind::kCondition:
    case trace::LockKind::kBarrier:
    case trace::LockKind::kChannel:
      return false;
    case trace::LockKind::kSemaphore:
    case trace::LockKind::kNamedSemaphore:
    case trace::LockKind::kSystemVSemaphore:
      return (flags & (trace::kHandOff | trace::kLockLike)) == trace::kLockLike;
    default:
      return (flags & trace::kHandOff) == 0;
  }
}
inline bool IsOwned(const trace::Lock& lock) { return IsOwnedKind(lock.kind, lock.flags); }

// An owned lock of the program itself, not of the language runtime that it runs in.
inline bool IsReportable(const trace::Lock& lock) { return IsOwned(lock) && !lock.interpreter; }

// Whether a script of an interpreter made the call itself.
inline bool IsOfScript(const trace::Process& process, trace::Index stack) {
  const trace::Stack* found = At(process.stacks, stack);
  return found != nullptr && !found->frames.empty() && found->frames.front().script != nullptr;
}

// The kernel gives it back when its descriptors are gone, whoever took it.
inline bool IsFileLock(const trace::Lock& lock) {
  return lock.kind == trace::LockKind::kFlock || lock.kind == trace::LockKind::kPosixFileLock ||
         lock.kind == trace::LockKind::kOpenFileLock;
}

// The C library's or its loader's own, which it takes within its calls.
inline bool IsOfLibrary(const trace::Process& process, const trace::Lock& lock) {
  const trace::Module* module = At(process.modules, lock.place.module);
  const std::string file = module == nullptr ? "" : module->path.substr(module->path.rfind('/') + 1);
  return lock.of_library || file.starts_with("libc.so") || file.starts_with("libc-2.") ||
         file.starts_with("libpthread") || file.starts_with("ld-linux") || file.starts_with("ld-2.") ||
         file.starts_with("ld.so");
}

// Held by the process as a whole: its own threads are never in each other's way.
inline bool BelongsToProcess(const trace::Lock& lock) { return lock.kind == trace::LockKind::kPosixFileLock; }

// Two records of what several processes share. flock and fcntl know nothing of each other.
inline bool IsSameObject(const trace::Lock& a, const trace::Lock& b) {
  return a.shared.has_value() && a.shared == b.shared &&
         (a.kind == trace::LockKind::kFlock) == (b.kind == trace::LockKind::kFlock);
}

// Destroyed by then, whether or not the call succeeded: where that was a mistake it is the finding, and not
// what follows.
inline bool WasDestroyed(const trace::Process& process, trace::Index lock, uint64_t by_ns = UINT64_MAX) {
  bool in_use = false;
  for (const trace::Event& event : process.events) {
    if (event.kind == trace::EventKind::kDestroyInUse && event.lock == lock) {
      in_use = true;
      if (event.time_ns <= by_ns) {
        return true;
      }
    }
  }
  const trace::Lock* found = At(process.locks, lock);
  return !in_use && found != nullptr && (found->flags & trace::kDestroyed) != 0;
}

// Two modes that exclude each other: all but shared with shared.
inline bool Conflict(trace::Mode a, trace::Mode b) {
  return a != trace::Mode::kShared || b != trace::Mode::kShared;
}

// The thread will never run again.
inline bool IsDead(const trace::Thread& thread) {
  return thread.gone || thread.state == trace::ThreadState::kFinished;
}

// The lock that a thread queues for: of a lock call, or of a condition wait that is past its condition.
inline trace::Index AwaitedLock(const trace::Wait& wait) {
  if (wait.kind == trace::WaitKind::kLock) {
    return wait.lock;
  }
  return wait.kind == trace::WaitKind::kCondition && wait.reacquiring ? wait.mutex : trace::kNoIndex;
}

// Leaks are judged only when nothing can mend them any more.
inline bool IsOver(const trace::Run& run, const trace::Process& process) { return run.over || process.ended; }

// The process ended by its own call of exit, quick_exit or _exit, not by a signal and not by exec.
inline bool EndedItself(const trace::Process& process) {
  return process.end == trace::End::kExit || process.end == trace::End::kQuickExit ||
         process.end == trace::End::kRawExit;
}

}  // namespace gordian::analyze

#endif  // GORDIAN_LIBSYNC_ANALYZE_LOOKUP_H_
