// A lock that no hook can see. Held for tens of nanoseconds, never across a call into the program.
//
// A signal handler cannot meet a lock that its own thread holds: every holder is inside the recorder, and the
// recorder does not enter twice on one thread (see Entry in thread.h).
#ifndef GORDIAN_LIBSYNC_RECORD_SPIN_LOCK_H_
#define GORDIAN_LIBSYNC_RECORD_SPIN_LOCK_H_

#include <cstdint>

#include "libsync/record/raw.h"

namespace gordian::record {

class SpinLock {
 public:
  void lock() {
    for (int spins = 0; __atomic_exchange_n(&word_, 1u, __ATOMIC_ACQUIRE) != 0;) {
      while (__atomic_load_n(&word_, __ATOMIC_RELAXED) != 0) {
        __builtin_ia32_pause();
        if (++spins % 256 == 0 && !g_no_syscalls) {
          RawSyscall(SYS_sched_yield);  // the holder may be off the processor
        }
      }
    }
  }
  void unlock() { __atomic_store_n(&word_, 0u, __ATOMIC_RELEASE); }

 private:
  uint32_t word_ = 0;
};

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
