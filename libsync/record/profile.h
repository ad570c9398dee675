// How often and how long locks are waited for and held, by lock class and place (Config::profiles).
//
// The inline fast paths are closed then; a profiled acquisition of what they would know goes the same way by
// Thread::profiled_slot, and all others the slow way. Each thread counts in records of its own, so that no
// two of them meet at a counter that the program does not share itself; a record belongs to the thread's
// slot, which is used again, so that there are no more of them than threads at one time can ask for. Beyond a
// bound they share, and beyond another one all share one.
#ifndef GORDIAN_LIBSYNC_RECORD_PROFILE_H_
#define GORDIAN_LIBSYNC_RECORD_PROFILE_H_

#include <pthread.h>
#include <semaphore.h>

#include <cstdint>

#include "libsync/record/image.h"
#include "libsync/record/libc_facts.h"
#include "libsync/record/raw.h"
#include "libsync/record/thread.h"
#include "libsync/trace/layout.h"

namespace gordian::record {

// A record that this thread counts in. What names the lock's class is kept beside it: a lock may get a name,
// and its record may come to stand for another lock.
struct KnownProfile {
  uint64_t holding;  // lock and stack
  trace::Ref name;
  uint16_t generation;
  trace::ProfileRecord* record;
};
inline constexpr int kProfileCacheBits = 8;

// Of what a thread holds, beside its HeldEntry.
struct ProfiledHolding {
  uint64_t since;
  trace::ProfileRecord* record;
};

// The processor's counter where it runs evenly (FindProfileClock), else nanoseconds.
extern bool g_counts_ticks;
extern uint64_t g_last_ticks;  // when g_no_syscalls was set: as NowNs
inline uint64_t ProfileTicks() {
  if (!g_counts_ticks) {
    return NowNs();
  }
  return g_no_syscalls ? g_last_ticks : __builtin_ia32_rdtsc();
}
// Once, before the first trace is opened.
void FindProfileClock();
// The clock stands still from now on.
void StopProfileClock();
// Tells readers what a tick is: at the opening of the trace, and again now and then.
void RecordFirstReading();
void RecordLastReading();

// Makes room for what `thread` holds, up to `capacity`, and once for what it knows. REQUIRES: inside the
// recorder.
void GrowProfiled(Thread* thread, uint32_t capacity);

// Whether somebody's holding is in the way of an acquisition, as far as libc's own fields say.
inline bool LooksTaken(const pthread_mutex_t* mutex, trace::Mode /*mode*/) { return MutexLooksLocked(mutex); }
inline bool LooksTaken(const pthread_rwlock_t* rwlock, trace::Mode mode) {
  return RwlockWriter(rwlock) != 0 || (mode == trace::Mode::kExclusive && RwlockHasReaders(rwlock));
}
inline bool LooksTaken(const pthread_spinlock_t* spinlock, trace::Mode /*mode*/) {
  return SpinlockLooksLocked(spinlock);
}
inline bool LooksTaken(const sem_t* semaphore, trace::Mode /*mode*/) {
  return SemaphoreValue(semaphore) == 0;
}

// When the wait for a lock begins that looks taken or not: what ProfileAcquired is told after it.
inline constexpr uint64_t kFoundFree = 0;
inline constexpr uint64_t kNeverWaits = UINT64_MAX;
inline uint64_t WaitStart(bool looks_taken, bool is_try) {
  return !looks_taken ? kFoundFree : is_try ? kNeverWaits : ProfileTicks();
}

// The thread has acquired what stands at `index` of its holdings.
void ProfileAcquired(Thread* thread, uint32_t index, uint64_t wait_start);
// It gave up.
void ProfileGivenUp(Thread* thread, trace::Ref lock, trace::Ref stack, trace::Mode mode, uint64_t wait_start);
// It gives back what stands, or has stood until just now, at `index` of its holdings.
void ProfileReleased(Thread* thread, uint32_t index);

}  // namespace gordian::record

#endif  // GORDIAN_LIBSYNC_RECORD_PROFILE_H_
