// How libc takes a lock that is free, and gives back one that nobody waits for, done here without a call of
// libc's: by the same stores in the same order, so that libc, a debugger and all other threads see in the
// object what libc would have written. Each of these does all of it, or nothing; then libc is to be called.
//
// REQUIRES: libc's own functions are the next ones in line, and start-up has proved that the running libc
// does just this (preload/take_test.h).
//
// Thread safety: as the calls that they stand for.
#ifndef GORDIAN_LIBSYNC_RECORD_FREE_LOCKS_H_
#define GORDIAN_LIBSYNC_RECORD_FREE_LOCKS_H_

#include <pthread.h>
#include <sys/single_threaded.h>

#include "libsync/record/libc_facts.h"
#include "libsync/trace/layout.h"

namespace gordian::record {

// ---- Mutexes ----

// How one is asked for, as far as libc does not do the same.
enum class Take { kLock, kTry };

// As libc asks (SINGLE_THREAD_P): then it takes a mutex without a locked instruction, but for a try.
__attribute__((always_inline)) inline bool IsSingleThreaded() { return __libc_single_threaded != 0; }

// nptl/pthread_mutex_lock.c, sysdeps/nptl/lowlevellock.h: 0 free, 1 taken, 2 taken and somebody may wait.
inline constexpr int kLockFree = 0;
inline constexpr int kLockTaken = 1;

__attribute__((always_inline)) inline bool ChangeLock(pthread_mutex_t* mutex, Take how, int from, int to) {
  int* word = &mutex->__data.__lock;
  if (how == Take::kLock && IsSingleThreaded()) {
    if (__builtin_expect(__atomic_load_n(word, __ATOMIC_RELAXED) != from, 0)) {
      return false;
    }
    __atomic_store_n(word, to, __ATOMIC_RELAXED);
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    return true;
  }
  return __atomic_compare_exchange_n(word, &from, to, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

__attribute__((always_inline)) inline void BecomeOwner(pthread_mutex_t* mutex) {
  __atomic_store_n(&mutex->__data.__owner, LibcTid(), __ATOMIC_RELAXED);
  ++mutex->__data.__nusers;
}
// The owner's last word before it gives the mutex back.
__attribute__((always_inline)) inline void LeaveOwner(pthread_mutex_t* mutex) {
  __atomic_store_n(&mutex->__data.__owner, 0, __ATOMIC_RELAXED);
  --mutex->__data.__nusers;
  __atomic_signal_fence(__ATOMIC_SEQ_CST);
}

// Of a normal kind, or one that checks for errors: whoever finds it free makes none.
__attribute__((always_inline)) inline bool TakeFree(pthread_mutex_t* mutex, trace::Mode /*mode*/, Take how) {
  constexpr int alike = kMutexErrorcheck | kMutexNoElisionBit;
  if (__builtin_expect((MutexKind(mutex) & ~alike) != 0, 0) ||
      __builtin_expect(!ChangeLock(mutex, how, kLockFree, kLockTaken), 0)) {
    return false;
  }
  BecomeOwner(mutex);
  return true;
}

// Of the recursive kind, free or the calling thread's own.
inline bool TakeRecursive(pthread_mutex_t* mutex, Take how) {
  if ((MutexKind(mutex) & ~kMutexNoElisionBit) != kMutexRecursive) {
    return false;
  }
  if (MutexOwner(mutex) == LibcTid()) {
    if (mutex->__data.__count + 1 == 0) {
      return false;
    }
    ++mutex->__data.__count;
    return true;
  }
  if (!ChangeLock(mutex, how, kLockFree, kLockTaken)) {
    return false;
  }
  mutex->__data.__count = 1;
  BecomeOwner(mutex);
  return true;
}

// Of the kinds that look whether it is their owner who gives them back.
inline bool GiveBackChecked(pthread_mutex_t* mutex) {
  const int kind = MutexKind(mutex) & ~kMutexNoElisionBit;
  const bool is_recursive = kind == kMutexRecursive;
  const unsigned count = mutex->__data.__count;
  if ((!is_recursive && kind != kMutexErrorcheck) || MutexOwner(mutex) != LibcTid()) {
    return false;
  }
  if (is_recursive && count > 1) {
    mutex->__data.__count = count - 1;
    return true;
  }
  if ((is_recursive && count == 0) ||
      __atomic_load_n(&mutex->__data.__lock, __ATOMIC_RELAXED) != kLockTaken) {
    return false;
  }
  mutex->__data.__count = 0;
  LeaveOwner(mutex);
  if (ChangeLock(mutex, Take::kLock, kLockTaken, kLockFree)) {
    return true;
  }
  mutex->__data.__count = count;
  BecomeOwner(mutex);
  return false;
}

// Of any kind.
__attribute__((always_inline)) inline bool GiveBack(pthread_mutex_t* mutex) {
  if (__builtin_expect((MutexKind(mutex) & ~kMutexNoElisionBit) != 0, 0)) {
    return GiveBackChecked(mutex);
  }
  if (__builtin_expect(__atomic_load_n(&mutex->__data.__lock, __ATOMIC_RELAXED) != kLockTaken, 0)) {
    return false;
  }
  LeaveOwner(mutex);
  if (__builtin_expect(ChangeLock(mutex, Take::kLock, kLockTaken, kLockFree), 1)) {
    return true;
  }
  // Somebody waits since just now. Whose it is libc does not ask, and says first that it is nobody's.
  ++mutex->__data.__nusers;
  return false;
}

// ---- Read-write locks ----
//
// nptl/pthread_rwlock_common.c: above three bits in __readers is the number of readers. One locked
// instruction decides. A writer comes in as by pthread_rwlock_trywrlock, and is let out by libc, which hands
// over to whoever waits.
inline constexpr unsigned kRwlockWritePhase = 1;
inline constexpr unsigned kRwlockWriterInside = 2;
inline constexpr unsigned kRwlockReadersWait = 4;
inline constexpr unsigned kRwlockStateBits = kRwlockWritePhase | kRwlockWriterInside | kRwlockReadersWait;
inline constexpr unsigned kRwlockOneReader = 8;
// libc counts further, and says EAGAIN at 2^31.
inline constexpr unsigned kRwlockMostReaders = 1u << 30;

template <typename Word>
__attribute__((always_inline)) inline bool Change(Word* word, Word from, Word to) {
  return __atomic_compare_exchange_n(word, &from, to, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

// The writer's, where nobody is inside, whichever phase the last one left.
__attribute__((always_inline)) inline bool TakeToWrite(pthread_rwlock_t* rwlock) {
  const unsigned readers = __atomic_load_n(&rwlock->__data.__readers, __ATOMIC_RELAXED);
  if (__builtin_expect((readers & ~kRwlockWritePhase) != 0, 0) ||
      __builtin_expect(!Change(&rwlock->__data.__readers, readers, kRwlockWritePhase | kRwlockWriterInside),
                       0)) {
    return false;
  }
  __atomic_store_n(&rwlock->__data.__writers_futex, 1, __ATOMIC_RELAXED);
  if ((readers & kRwlockWritePhase) == 0) {
    __atomic_store_n(&rwlock->__data.__wrphase_futex, 1, __ATOMIC_RELAXED);
  }
  __atomic_store_n(&rwlock->__data.__cur_writer, LibcTid(), __ATOMIC_RELAXED);
  return true;
}
// In a read phase no writer is inside or waits for the readers to leave.
__attribute__((always_inline)) inline bool TakeFree(pthread_rwlock_t* rwlock, trace::Mode mode,
                                                    Take /*how*/) {
  if (mode == trace::Mode::kExclusive) {
    return TakeToWrite(rwlock);
  }
  const unsigned readers = __atomic_load_n(&rwlock->__data.__readers, __ATOMIC_RELAXED);
  return __builtin_expect((readers & kRwlockStateBits) == 0, 1) &&
         __builtin_expect(readers < kRwlockMostReaders, 1) &&
         __builtin_expect(Change(&rwlock->__data.__readers, readers, readers + kRwlockOneReader), 1);
}
// A reader's.
__attribute__((always_inline)) inline bool GiveBack(pthread_rwlock_t* rwlock) {
  const unsigned readers = __atomic_load_n(&rwlock->__data.__readers, __ATOMIC_RELAXED);
  return __builtin_expect((readers & kRwlockStateBits) == 0, 1) && __builtin_expect(readers != 0, 1) &&
         __builtin_expect(Change(&rwlock->__data.__readers, readers, readers - kRwlockOneReader), 1);
}

// ---- Semaphores ----

// nptl/sem_waitcommon.c: the value, and above it how many wait. What only ever lets one in.
__attribute__((always_inline)) inline bool TakeFree(sem_t* semaphore, trace::Mode /*mode*/, Take /*how*/) {
  const uint64_t data = __atomic_load_n(SemaphoreData(semaphore), __ATOMIC_RELAXED);
  return __builtin_expect(static_cast<uint32_t>(data) == 1, 1) &&
         __builtin_expect(Change(SemaphoreData(semaphore), data, data - 1), 1);
}
// Nobody waits.
__attribute__((always_inline)) inline bool GiveBack(sem_t* semaphore) {
  return Change(SemaphoreData(semaphore), uint64_t{0}, uint64_t{1});
}

// ---- Spinlocks ----

// sysdeps/x86_64/nptl/pthread_spin_lock.S: 1 when free; who waits counts it down.
inline constexpr int kSpinlockFree = 1;
inline constexpr int kSpinlockTaken = 0;
__attribute__((always_inline)) inline bool TakeFree(pthread_spinlock_t* spinlock, trace::Mode /*mode*/,
                                                    Take /*how*/) {
  int free = kSpinlockFree;
  return __builtin_expect(__atomic_load_n(spinlock, __ATOMIC_RELAXED) == kSpinlockFree, 1) &&
         __builtin_expect(__atomic_compare_exchange_n(spinlock, &free, kSpinlockTaken, false,
                                                      __ATOMIC_ACQUIRE, __ATOMIC_RELAXED),
                          1);
}
__attribute__((always_inline)) inline bool GiveBack(pthread_spinlock_t* spinlock) {
  __atomic_store_n(spinlock, kSpinlockFree, __ATOMIC_RELEASE);
  return true;
}

}  // namespace gordian::record

#endif  // GORDIAN_LIBSYNC_RECORD_FREE_LOCKS_H_
