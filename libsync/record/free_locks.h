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

// How a lock is asked for, as far as libc does not do the same.
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

}  // namespace gordian::record

#endif  // GORDIAN_LIBSYNC_RECORD_FREE_LOCKS_H_
