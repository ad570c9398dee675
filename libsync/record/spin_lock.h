// A lock that no hook can see. Held for tens of nanoseconds, never across a call into the program.
//
// A signal handler cannot meet a lock that its own thread holds: every holder is inside the recorder, and the
// recorder does not enter twice on one thread (see Entry in thread.h). A handler can leave by longjmp and
// never come back, though: so each thread knows what it holds.
#ifndef GORDIAN_LIBSYNC_RECORD_SPIN_LOCK_H_
#define GORDIAN_LIBSYNC_RECORD_SPIN_LOCK_H_

#include <cstdint>

#include "libsync/record/raw.h"

namespace gordian::record {

class SpinLock;
inline constexpr int kMostSpinLocks = 4;
extern
    __attribute__((tls_model("initial-exec"))) thread_local constinit SpinLock* t_spin_locks[kMostSpinLocks];
extern __attribute__((tls_model("initial-exec"))) thread_local constinit int t_spin_count;

class SpinLock {
 public:
  // Noted before it is taken and until after it is given back: a handler that leaves in between finds it in
  // the list, and the word tells whose it is.
  void lock() {
    if (t_spin_count < kMostSpinLocks) {
      t_spin_locks[t_spin_count] = this;
    }
    ++t_spin_count;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    uint32_t free = 0;
    for (int spins = 0;
         !__atomic_compare_exchange_n(&word_, &free, Self(), false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
         free = 0) {
      while (__atomic_load_n(&word_, __ATOMIC_RELAXED) != 0) {
        __builtin_ia32_pause();
        if (++spins % 256 == 0 && !g_no_syscalls) {
          RawSyscall(SYS_sched_yield);  // the holder may be off the processor
        }
      }
    }
  }
  void unlock() {
    __atomic_store_n(&word_, 0u, __ATOMIC_RELEASE);
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    --t_spin_count;
  }
  bool IsMine() const { return __atomic_load_n(&word_, __ATOMIC_RELAXED) == Self(); }

 private:
  // Different for every thread that lives: no two have their variables at the same place.
  static uint32_t Self() {
    return static_cast<uint32_t>(reinterpret_cast<uintptr_t>(&t_spin_count) >> 3) | 1;
  }

  uint32_t word_ = 0;
};

// Frees what this thread holds.
inline void UnlockAllSpinLocks() {
  while (t_spin_count > 0) {
    if (t_spin_count <= kMostSpinLocks && t_spin_locks[t_spin_count - 1]->IsMine()) {
      t_spin_locks[t_spin_count - 1]->unlock();
    } else {
      --t_spin_count;
    }
  }
}

class SpinGuard {
 public:
  explicit SpinGuard(SpinLock* lock) : lock_(lock) { lock_->lock(); }
  ~SpinGuard() { lock_->unlock(); }
  SpinGuard(const SpinGuard&) = delete;
  SpinGuard& operator=(const SpinGuard&) = delete;

 private:
  SpinLock* lock_;
};

}  // namespace gordian::record

#endif  // GORDIAN_LIBSYNC_RECORD_SPIN_LOCK_H_
