// Barriers: who waits in which round, and what the rounds order.
#ifndef GORDIAN_LIBSYNC_RECORD_BARRIERS_H_
#define GORDIAN_LIBSYNC_RECORD_BARRIERS_H_

#include <pthread.h>

#include <cstdint>

#include "libsync/record/lifetimes.h"
#include "libsync/record/stack.h"
#include "libsync/record/thread.h"
#include "libsync/trace/layout.h"

namespace gordian::record {

// The rounds of a barrier that order its threads (kBarrierPassed): the first so many of each, and of all
// barriers of an image together so many passages. Later ones begin no segment: what they order counts as
// unordered.
inline constexpr int64_t kMostRounds = 64;
inline constexpr uint64_t kMostPassages = 1 << 14;

struct BarrierWait {
  Thread* thread;  // null: unrecorded
  trace::Ref barrier;
  int64_t round;
};
BarrierWait BeginBarrierWait(pthread_barrier_t* barrier, const Site& site);
void EndBarrierWait(const BarrierWait& wait, bool passed);

// An unfinished round of threads that still wait, when the barrier is about to be made anew or destroyed.
void BeforeBarrierInit(pthread_barrier_t* barrier, unsigned count, const Site& site);
Doomed BeforeBarrierDestroy(pthread_barrier_t* barrier, const Site& site);
void AfterBarrierInit(pthread_barrier_t* barrier, unsigned count, bool made, const Site& site);

}  // namespace gordian::record

#endif  // GORDIAN_LIBSYNC_RECORD_BARRIERS_H_
