// Everything the recorder believes about the C library and the processor, in one place: a new libc or
// architecture is a change here. Facts that could differ at run time are proved by SelfTest (self_test.h).
#ifndef GORDIAN_LIBSYNC_RECORD_LIBC_FACTS_H_
#define GORDIAN_LIBSYNC_RECORD_LIBC_FACTS_H_

#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>

#include <cstddef>
#include <cstdint>

#include "libsync/trace/layout.h"

#if !defined(__x86_64__) || !defined(__GLIBC__)
#error "Gordian's recorder knows x86-64 and glibc; extend this table first"
#endif

namespace gordian::record {

// Bits of pthread_mutex_t::__data.__kind (nptl/pthreadP.h, unchanged since glibc 2.17).
inline constexpr int kMutexTypeMask = 3;
inline constexpr int kMutexRecursive = 1;
inline constexpr int kMutexErrorcheck = 2;
inline constexpr int kMutexAdaptive = 3;
inline constexpr int kMutexRobustBit = 16;
inline constexpr int kMutexInheritBit = 32;
inline constexpr int kMutexProtectBit = 64;
inline constexpr int kMutexSharedBit = 128;
// What pthread_mutexattr_settype gives a mutex of the normal kind: nothing but that it is never elided.
inline constexpr int kMutexNoElisionBit = 512;
// A mutex with one of these bits is linked into kernel-visible lists or shared with other processes: its
// __list field is in use or its memory is not ours alone.
inline constexpr int kMutexNoTagBits =
    kMutexRobustBit | kMutexInheritBit | kMutexProtectBit | kMutexSharedBit;
// pthread_mutex_destroy leaves __kind == -1.
inline constexpr int kMutexDestroyedKind = -1;

inline int MutexKind(const pthread_mutex_t* mutex) {
  return __atomic_load_n(&mutex->__data.__kind, __ATOMIC_RELAXED);
}
inline int MutexOwner(const pthread_mutex_t* mutex) {
  return __atomic_load_n(&mutex->__data.__owner, __ATOMIC_RELAXED);
}
inline bool MutexLooksLocked(const pthread_mutex_t* mutex) {
  return __atomic_load_n(&mutex->__data.__lock, __ATOMIC_RELAXED) != 0;
}
// Then pthread_mutex_destroy refuses a mutex that is not robust, and writes nothing.
inline bool MutexHasUsers(const pthread_mutex_t* mutex) {
  return __atomic_load_n(&mutex->__data.__nusers, __ATOMIC_RELAXED) != 0;
}
// The word that carries our tag: glibc uses __list for robust mutexes only.
inline uint64_t* MutexTag(pthread_mutex_t* mutex) {
  return reinterpret_cast<uint64_t*>(&mutex->__data.__list.__prev);
}

// pthread_rwlock_t: __pad2 is unused, zeroed by the initialisers and by pthread_rwlock_init; __flags is the
// preference (sysdeps/nptl/bits/struct_rwlock.h).
inline uint64_t* RwlockTag(pthread_rwlock_t* rwlock) {
  return reinterpret_cast<uint64_t*>(&rwlock->__data.__pad2);
}
inline bool RwlockIsShared(const pthread_rwlock_t* rwlock) { return rwlock->__data.__shared != 0; }
inline bool RwlockPrefersWriters(const pthread_rwlock_t* rwlock) {
  return rwlock->__data.__flags == PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP;
}
// The tid of the writer inside, 0 for none.
inline int RwlockWriter(const pthread_rwlock_t* rwlock) {
  return __atomic_load_n(&rwlock->__data.__cur_writer, __ATOMIC_RELAXED);
}
// __readers: the number of readers above three bits of state. A writer inside is not counted.
inline bool RwlockHasReaders(const pthread_rwlock_t* rwlock) {
  return __atomic_load_n(&rwlock->__data.__readers, __ATOMIC_RELAXED) >> 3 != 0;
}

// pthread_cond_t::__data.__wrefs (nptl/pthread_cond_common.c): the number of waiters above three bits: 1 for
// a condition of several processes, 4 once it is being destroyed.
inline bool ConditionIsShared(const pthread_cond_t* condition) {
  return (__atomic_load_n(&condition->__data.__wrefs, __ATOMIC_RELAXED) & 1) != 0;
}
inline bool ConditionHasWaiters(const pthread_cond_t* condition) {
  return __atomic_load_n(&condition->__data.__wrefs, __ATOMIC_RELAXED) >> 3 != 0;
}
inline bool ConditionIsDestroyed(const pthread_cond_t* condition) {
  return (__atomic_load_n(&condition->__data.__wrefs, __ATOMIC_RELAXED) & 4) != 0;
}

// A spinlock is 1 when free (sysdeps/x86_64/nptl/pthread_spin_init.c).
inline bool SpinlockLooksLocked(const pthread_spinlock_t* spinlock) {
  return __atomic_load_n(spinlock, __ATOMIC_RELAXED) != 1;
}

// struct new_sem (sysdeps/nptl/internaltypes.h): value in the low half of the first word, waiters in the high
// half, then whether it is private (0) or shared. sem_t is twice as large; sem_init leaves the rest alone.
inline uint64_t* SemaphoreTag(sem_t* semaphore) {
  return reinterpret_cast<uint64_t*>(semaphore->__size + 16);
}
inline uint64_t* SemaphoreData(sem_t* semaphore) { return reinterpret_cast<uint64_t*>(semaphore->__size); }
inline uint32_t SemaphoreValue(const sem_t* semaphore) {
  return __atomic_load_n(reinterpret_cast<const uint32_t*>(semaphore->__size), __ATOMIC_RELAXED);
}
inline uint32_t SemaphoreWaiters(const sem_t* semaphore) {
  return __atomic_load_n(reinterpret_cast<const uint32_t*>(semaphore->__size) + 1, __ATOMIC_RELAXED);
}
inline bool SemaphoreIsShared(const sem_t* semaphore) {
  return *(reinterpret_cast<const int32_t*>(semaphore->__size) + 2) != 0;
}

// pthread_once_t: 1 while a routine runs, 2 for good once it has returned (sysdeps/nptl/pthread_once.c).
inline bool OnceIsDone(const pthread_once_t* once) {
  return (__atomic_load_n(once, __ATOMIC_ACQUIRE) & 2) != 0;
}

// struct pthread_barrier (sysdeps/nptl/internaltypes.h): arrivals so far, those that belong to finished
// rounds, how many a round takes, whether it is private (0) or shared, departures.
inline uint32_t BarrierField(const pthread_barrier_t* barrier, int index) {
  return __atomic_load_n(reinterpret_cast<const uint32_t*>(barrier->__size) + index, __ATOMIC_RELAXED);
}
inline int32_t BarrierCount(const pthread_barrier_t* barrier) {
  return static_cast<int32_t>(BarrierField(barrier, 2));
}
// The threads in the round that is not finished.
inline uint32_t BarrierArrived(const pthread_barrier_t* barrier) {
  return BarrierField(barrier, 0) - BarrierField(barrier, 1);
}
// How many rounds are finished.
inline int64_t BarrierRound(const pthread_barrier_t* barrier) {
  const uint32_t count = BarrierField(barrier, 2);
  return count == 0 ? 0 : BarrierField(barrier, 1) / count;
}
inline bool BarrierIsShared(const pthread_barrier_t* barrier) { return BarrierField(barrier, 3) != 0; }
// pthread_barrier_init refuses more (BARRIER_IN_THRESHOLD).
inline constexpr unsigned kMostBarrierCount = 0x7FFFFFFF;

// _IO_lock_t (sysdeps/nptl/stdio-lock.h): the lock of a stream, how often its owner has it, whose
// pthread_self.
struct StreamLock {
  int lock;
  int count;
  uintptr_t owner;
};
inline const StreamLock* LockOf(const FILE* stream) { return static_cast<const StreamLock*>(stream->_lock); }

// Where sem_open and shm_open put their files (sysdeps/posix/shm-directory.h): without the name's slashes.
inline constexpr const char* kSharedMemoryFolder = "/dev/shm/";
inline constexpr const char* kSemaphoreFilePrefix = "sem.";

// struct rt_sigframe (arch/x86/kernel): the handler returns to __restore_rt with the stack pointer at a
// struct ucontext, whose last member is the mask that the interrupted code had.
inline constexpr size_t kInterruptedMaskOffset = 296;

// What the library itself uses: 32 (cancellation) and 33 (setuid in all threads).
inline constexpr int kFirstSignalOfLibc = 32;
inline constexpr int kLastSignalOfLibc = 33;

trace::LockKind MutexLockKind(int kind);
uint16_t MutexLockFlags(int kind);

// struct pthread starts at pthread_self(); this much of it lies above the thread's stack at most.
inline constexpr size_t kThreadDescriptorBytes = 4096;

// struct pthread::tid (nptl/descr.h: after the 0x2c0 bytes of the header and the list).
inline constexpr size_t kThreadTidOffset = 0x2d0;
// What libc itself writes into the locks that this thread takes.
inline int LibcTid() {
  return *reinterpret_cast<const int*>(static_cast<const char*>(__builtin_thread_pointer()) +
                                       kThreadTidOffset);
}

// struct pthread::start_routine, and after it the argument, lie where this descriptor of libc's says: three
// words, the last of them the offset (nptl_db/structs.def).
inline constexpr const char* kThreadStartDescriptor = "_thread_db_pthread_start_routine";

// The default symbol version of the condition
// functions, needed only where dlsym answers with libc's older one (glibc before 2.36).
inline constexpr const char* kConditionVersion = "GLIBC_2.3.2";
inline constexpr const char* kOldestVersion = "GLIBC_2.2.5";

}  // namespace gordian::record

#endif  // GORDIAN_LIBSYNC_RECORD_LIBC_FACTS_H_
