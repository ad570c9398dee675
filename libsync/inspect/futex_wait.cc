#include "libsync/inspect/futex_wait.h"

#include <linux/futex.h>
#include <sys/syscall.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <string_view>

namespace gordian::inspect {
namespace {

using trace::LockKind;
using trace::Mode;
using trace::WaitKind;

#ifndef FUTEX_LOCK_PI2
constexpr int FUTEX_LOCK_PI2 = 13;  // Linux 5.14
#endif

// nptl/pthreadP.h: the kinds of mutexes, and what more stands in __kind.
constexpr uint32_t kTypeMask = 3;
constexpr uint32_t kRobustBit = 16;
constexpr uint32_t kInheritBit = 32;
constexpr uint32_t kSharedBit = 128;
constexpr uint32_t kKindMask = 0x3ff | (0xff << 19);  // with elision, and the ceiling of a protected mutex
// The value of a contended low-level lock, which its waiters wait on.
constexpr uint32_t kContended = 2;
// nptl/pthread_rwlock_common.c.
constexpr uint32_t kReaderShift = 3;
constexpr uint32_t kMostPhase = 3;

// sem_t: LLL_SHARED (sysdeps/nptl/lowlevellock-futex.h). A process has at most so many threads
// (PID_MAX_LIMIT).
constexpr uint32_t kSharedSemaphore = 128;
constexpr uint32_t kMostWaiters = 1U << 22;

enum class Kind { kMutex, kRead, kWrite, kCondition, kSemaphore, kJoin, kBarrier, kOnce, kGuard };

struct Function {
  std::string_view name;
  Kind kind;
};

// As Unwinder::FunctionAt gives them.
constexpr Function kFunctions[] = {
    {"pthread_mutex_lock", Kind::kMutex},
    {"pthread_mutex_timedlock", Kind::kMutex},
    {"pthread_mutex_clocklock", Kind::kMutex},
    {"mtx_lock", Kind::kMutex},
    {"mtx_timedlock", Kind::kMutex},
    {"pthread_rwlock_rdlock", Kind::kRead},
    {"pthread_rwlock_timedrdlock", Kind::kRead},
    {"pthread_rwlock_clockrdlock", Kind::kRead},
    {"pthread_rwlock_wrlock", Kind::kWrite},
    {"pthread_rwlock_timedwrlock", Kind::kWrite},
    {"pthread_rwlock_clockwrlock", Kind::kWrite},
    {"pthread_cond_wait", Kind::kCondition},
    {"pthread_cond_timedwait", Kind::kCondition},
    {"pthread_cond_clockwait", Kind::kCondition},
    {"cnd_wait", Kind::kCondition},
    {"cnd_timedwait", Kind::kCondition},
    {"sem_wait", Kind::kSemaphore},
    {"sem_timedwait", Kind::kSemaphore},
    {"sem_clockwait", Kind::kSemaphore},
    {"new_sem_wait", Kind::kSemaphore},
    {"pthread_join", Kind::kJoin},
    {"pthread_timedjoin_np", Kind::kJoin},
    {"pthread_clockjoin_np", Kind::kJoin},
    {"pthread_clockjoin_ex", Kind::kJoin},
    {"thrd_join", Kind::kJoin},
    {"pthread_barrier_wait", Kind::kBarrier},
    {"pthread_once", Kind::kOnce},
    {"call_once", Kind::kOnce},
    {"cxa_guard_acquire", Kind::kGuard},
};

// A lock call is at most so many frames above the kernel.
constexpr size_t kLibraryFrames = 5;

std::optional<Kind> KindByFunction(const std::vector<std::string>& functions) {
  for (size_t i = 0; i < functions.size() && i < kLibraryFrames; ++i) {
    const auto* const found = std::find_if(std::begin(kFunctions), std::end(kFunctions),
                                           [&](const Function& f) { return f.name == functions[i]; });
    if (found != std::end(kFunctions)) {
      return found->kind;
    }
  }
  return std::nullopt;
}

int Command(const TaskWait& wait) {
  return static_cast<int>(wait.args[1]) & ~(FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME);
}

bool IsInheritWait(const TaskWait& wait) {
  return Command(wait) == FUTEX_LOCK_PI || Command(wait) == FUTEX_LOCK_PI2;
}

class Identifier {
 public:
  Identifier(const TaskWait& wait, const FutexWitnesses& witnesses)
      : wait_(wait),
        futex_(wait.args[0]),
        expected_(static_cast<uint32_t>(wait.args[2])),
        witnesses_(witnesses) {
    result_ = Unknown();
  }

  FutexWait Identify() {
    if (witnesses_.layout == nullptr) {
      return result_;
    }
    const std::optional<Kind> kind = KindByFunction(witnesses_.functions);
    if (!kind) {
      // The C library's own locks have no public function around them, sem_wait and pthread_join leave by a
      // tail call, and a stripped static program has no names at all.
      for (const auto probe : {&Identifier::Mutex, &Identifier::Stream, &Identifier::Join, &Identifier::Arena,
                               &Identifier::OfLibrary, &Identifier::BareSemaphore}) {
        result_ = Unknown();
        if ((this->*probe)()) {
          return result_;
        }
      }
      return Unknown();
    }
    bool good = false;
    switch (*kind) {
      case Kind::kMutex:
        good = Mutex();
        break;
      case Kind::kRead:
      case Kind::kWrite:
        good = Rwlock(*kind == Kind::kRead ? Mode::kShared : Mode::kExclusive);
        break;
      case Kind::kCondition:
        // Past its condition, a waiter queues for its mutex.
        good = Mutex();
        if (!good) {
          result_ = Unknown();
          good = Condition();
        }
        break;
      case Kind::kSemaphore:
        good = Semaphore();
        break;
      case Kind::kJoin:
        good = Join();
        break;
      case Kind::kBarrier:
        good = Barrier();
        break;
      case Kind::kGuard:
        good = Guard();
        break;
      case Kind::kOnce:
        result_.wait = WaitKind::kLock;
        result_.kind = LockKind::kOnce;
        good = true;
        break;
    }
    return good ? result_ : Unknown();
  }

 private:
  const LibcLayout& layout() const { return *witnesses_.layout; }

  std::optional<uint32_t> Field(uint64_t object, uint32_t offset) const {
    return offset == kUnknownOffset ? std::nullopt : witnesses_.memory->Get<uint32_t>(object + offset);
  }

  FutexWait Unknown() const {
    FutexWait unknown;
    unknown.address = futex_;
    unknown.timed = wait_.args[3] != 0;
    unknown.shared = (wait_.args[1] & FUTEX_PRIVATE_FLAG) == 0;
    unknown.contended = expected_ == kContended && !unknown.shared && !unknown.timed;
    return unknown;
  }

  // A mutex that waiters wait for says who has it. Robust mutexes and those with priority inheritance have
  // their owner in the futex itself.
  bool Mutex() {
    const auto word = Field(futex_, 0);
    const auto owner = Field(futex_, layout().mutex_owner);
    const auto kind = Field(futex_, layout().mutex_kind);
    if (!word || !owner || !kind || (*kind & ~kKindMask) != 0) {
      return false;
    }
    const bool in_word = (*kind & (kRobustBit | kInheritBit)) != 0;
    if (in_word != (IsInheritWait(wait_) || (expected_ & FUTEX_WAITERS) != 0)) {
      return false;
    }
    if (!in_word && (expected_ != kContended || *word != kContended || *owner == 0)) {
      return false;
    }
    result_.wait = WaitKind::kLock;
    result_.owner = static_cast<pid_t>(in_word ? *word & FUTEX_TID_MASK : *owner);
    switch (*kind & kTypeMask) {
      case 1:
        result_.kind = LockKind::kRecursiveMutex;
        break;
      case 2:
        result_.kind = LockKind::kErrorcheckMutex;
        break;
      case 3:
        result_.kind = LockKind::kAdaptiveMutex;
        break;
      default:
        result_.kind = LockKind::kMutex;
    }
    result_.flags = static_cast<uint16_t>(((*kind & kRobustBit) != 0 ? trace::kRobust : 0) |
                                          ((*kind & kInheritBit) != 0 ? trace::kPriorityInherit : 0) |
                                          ((*kind & kSharedBit) != 0 ? trace::kProcessShared : 0));
    result_.shared = (*kind & kSharedBit) != 0;
    // Without a function that says so, a thread of the process must be its owner. The way to a robust mutex
    // is through a function without a name; its owner, of another process, stands in it twice.
    const bool named = KindByFunction(witnesses_.functions).has_value();
    const bool twice = in_word && result_.shared && *owner != 0 &&
                       static_cast<pid_t>(*owner) == result_.owner && *word == expected_;
    return named || twice || witnesses_.is_thread(result_.owner);
  }

  // _IO_lock_t: the lock, a count, and the pthread_self of the owner (sysdeps/nptl/stdio-lock.h). The count
  // is 1 where the owner has it once, and 0 in newer versions.
  bool Stream() {
    const auto owner = witnesses_.memory->Get<uint64_t>(futex_ + 8);
    if (expected_ != kContended || !owner || *owner == 0) {
      return false;
    }
    const auto self = witnesses_.memory->Get<uint64_t>(*owner + layout().thread_self);
    const auto tid = Field(*owner, layout().thread_tid);
    if (self != owner || !tid || !witnesses_.is_thread(static_cast<pid_t>(*tid))) {
      return false;
    }
    result_.wait = WaitKind::kLock;
    result_.kind = LockKind::kStream;
    result_.owner = static_cast<pid_t>(*tid);
    return true;
  }

  bool IsHeldLowLevelLock() const { return result_.contended && Field(futex_, 0) == kContended; }

  // The allocator waits for nothing else by itself.
  bool Arena() {
    const std::vector<std::string>& functions = witnesses_.functions;
    const auto end =
        functions.begin() + static_cast<std::ptrdiff_t>(std::min(functions.size(), kLibraryFrames));
    if (!IsHeldLowLevelLock() || std::none_of(functions.begin(), end, IsAllocator)) {
      return false;
    }
    result_.wait = WaitKind::kLock;
    result_.kind = LockKind::kMutex;
    result_.of_malloc = true;
    return true;
  }

  // Of localtime, syslog, random and their kin.
  bool OfLibrary() {
    if (!IsHeldLowLevelLock() || !witnesses_.in_libc) {
      return false;
    }
    result_.wait = WaitKind::kLock;
    result_.kind = LockKind::kMutex;
    result_.of_libc = true;
    return true;
  }

  // Objects lie at multiples of 8, which tells the words apart; the phase has a small value, the readers
  // count in eights.
  bool Rwlock(Mode mode) {
    uint64_t object = futex_;
    if (futex_ % 8 == 4) {
      object = futex_ - layout().rwlock_writers;
    } else if (expected_ <= kMostPhase) {
      object = futex_ - layout().rwlock_phase;
    }
    const auto readers = Field(object, 0);
    const auto writer = Field(object, layout().rwlock_current_writer);
    const auto shared = Field(object, layout().rwlock_shared);
    const auto flags = Field(object, layout().rwlock_flags);
    if (!readers || !writer || !shared || !flags || *shared > 1 || *flags > 2) {
      return false;
    }
    result_.wait = WaitKind::kLock;
    result_.kind = *flags == 2 ? LockKind::kWriterRwlock : LockKind::kRwlock;
    result_.mode = mode;
    result_.address = object;
    result_.owner = static_cast<pid_t>(*writer);
    result_.readers = *readers >> kReaderShift;
    result_.shared = *shared != 0;
    result_.flags = *shared != 0 ? trace::kProcessShared : 0;
    return true;
  }

  bool Condition() {
    result_.wait = WaitKind::kCondition;
    result_.kind = LockKind::kCondition;
    if (layout().condition_signals != kUnknownOffset) {
      const uint64_t object = futex_ - futex_ % 8 - layout().condition_signals;
      const auto references = Field(object, layout().condition_references);
      if (!references || *references >> 3 == 0) {
        return false;
      }
      result_.address = object;
      result_.shared = (*references & 1) != 0;
    }
    return true;
  }

  bool Semaphore() {
    const auto value = Field(futex_, 0);
    result_.wait = WaitKind::kLock;
    result_.kind = LockKind::kSemaphore;
    return value == 0U;
  }

  // One that no function tells of: nothing to take, at least one waiter, and private or not as the call says.
  bool BareSemaphore() {
    const auto waiters = Field(futex_, 4);
    const auto shared = Field(futex_, layout().semaphore_shared);
    const bool from_library = Command(wait_) == FUTEX_WAIT_BITSET &&
                              (witnesses_.functions.empty() || witnesses_.functions.front() != "syscall");
    return from_library && expected_ == 0 && waiters && *waiters >= 1 && *waiters <= kMostWaiters && shared &&
           *shared == (result_.shared ? kSharedSemaphore : 0) && Semaphore();
  }

  // The word belongs to a struct pthread, which holds its own address.
  bool Join() {
    const uint64_t thread = futex_ - layout().thread_tid;
    const auto self = witnesses_.memory->Get<uint64_t>(thread + layout().thread_self);
    result_.wait = WaitKind::kJoin;
    result_.owner = static_cast<pid_t>(expected_);
    result_.shared = false;  // the kernel wakes it, for which it is shared
    return self == thread && Field(futex_, 0) == expected_;
  }

  // Of a function's static variable in libstdc++ (libsupc++/guard.cc): somebody is at it, and others wait.
  bool Guard() {
    constexpr uint32_t pending_and_waiting = 0x10100;
    result_.wait = WaitKind::kLock;
    result_.kind = LockKind::kOnce;
    result_.shared = false;
    return expected_ == pending_and_waiting && Field(futex_, 0) == pending_and_waiting;
  }

  bool Barrier() {
    result_.wait = WaitKind::kBarrier;
    result_.kind = LockKind::kBarrier;
    result_.address = futex_ - (futex_ % 8 == 4 ? layout().barrier_round : layout().barrier_out);
    return true;
  }

  const TaskWait& wait_;
  const uint64_t futex_;
  const uint32_t expected_;
  const FutexWitnesses& witnesses_;
  FutexWait result_;
};

}  // namespace

bool IsAllocator(const std::string& function) {
  constexpr std::string_view names[] = {"malloc",
                                        "free",
                                        "calloc",
                                        "realloc",
                                        "memalign",
                                        "aligned_alloc",
                                        "posix_memalign",
                                        "valloc",
                                        "pvalloc",
                                        "malloc_trim",
                                        "mallinfo",
                                        "mallinfo2",
                                        "malloc_info",
                                        "malloc_stats",
                                        "libc_malloc",
                                        "libc_free",
                                        "libc_calloc",
                                        "libc_realloc",
                                        "libc_memalign",
                                        "libc_mallinfo",
                                        "int_malloc",
                                        "int_free",
                                        "int_realloc",
                                        "int_memalign",
                                        "int_free_merge_chunk",
                                        "malloc_consolidate",
                                        "sysmalloc",
                                        "systrim",
                                        "unlink_chunk",
                                        "arena_get2"};
  return std::any_of(std::begin(names), std::end(names), [&](std::string_view n) { return n == function; });
}

bool IsLowLevelWait(const std::string& function) {
  return function.starts_with("lll_lock_wait") || function.starts_with("futex_") ||
         function.starts_with("GI___futex_");
}

bool IsFutexWait(const TaskWait& wait) {
  if (!wait.readable || wait.running || wait.syscall != SYS_futex) {
    return false;
  }
  switch (Command(wait)) {
    case FUTEX_WAIT:
    case FUTEX_WAIT_BITSET:
    case FUTEX_LOCK_PI:
    case FUTEX_LOCK_PI2:
    case FUTEX_WAIT_REQUEUE_PI:
      return true;
    default:
      return false;
  }
}

FutexWait IdentifyFutexWait(const TaskWait& wait, const FutexWitnesses& witnesses) {
  return Identifier(wait, witnesses).Identify();
}

}  // namespace gordian::inspect
