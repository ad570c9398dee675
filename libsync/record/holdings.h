// What a thread holds: entries of its slot in the trace, oldest first, written by the thread alone with plain
// stores. A handler of a signal may interrupt between any two of them, so a place is taken before it is
// filled.
#ifndef GORDIAN_LIBSYNC_RECORD_HOLDINGS_H_
#define GORDIAN_LIBSYNC_RECORD_HOLDINGS_H_

#include <cstddef>
#include <cstdint>

#include "libsync/record/stack.h"
#include "libsync/record/thread.h"
#include "libsync/trace/layout.h"

namespace gordian::record {

// Neighbours that are read and written as one.
using Pair = uint64_t __attribute__((may_alias));
static_assert(offsetof(trace::HeldEntry, stack) == offsetof(trace::HeldEntry, lock) + 4);
static_assert(offsetof(trace::SlotRecord, acquisitions) == offsetof(trace::SlotRecord, held_count) + 4);
static_assert(offsetof(trace::SlotRecord, held_count) % sizeof(Pair) == 0);

// Lock and stack, as they stand in a HeldEntry.
inline Pair* HoldingOf(trace::HeldEntry* entry) { return reinterpret_cast<Pair*>(&entry->lock); }
// How many are held, and in the high half how many acquisitions there were: another value when the thread has
// moved.
inline Pair* MovesOf(trace::SlotRecord* slot) { return reinterpret_cast<Pair*>(&slot->held_count); }
inline constexpr uint64_t kOneAcquired = uint64_t{1} << 32 | 1;
inline constexpr uint64_t kOneReleased = 1;

inline uint64_t HoldingHash(uint64_t holding) {
  const uint64_t product = holding * 0x9E3779B97F4A7C15u;
  return product ^ product >> 29;
}
// Of what the thread holds below the newest `count`-th holding, in any order. REQUIRES: 0 < count <=
// kInlineHeld.
inline uint64_t HashBelow(const Thread* thread, uint32_t count) {
  return thread->hash_below[count - 1] ^ HoldingHash(*HoldingOf(&thread->held[count - 1]));
}
// Takes the place, then fills it. `moves` is what MovesOf(slot) holds. REQUIRES: there is room.
inline void PushHeld(trace::HeldEntry* held, trace::SlotRecord* slot, uint64_t moves, uint64_t holding,
                     trace::Mode mode) {
  trace::HeldEntry* entry = &held[static_cast<uint32_t>(moves)];
  moves += kOneAcquired;
  *MovesOf(slot) = moves;
  __atomic_signal_fence(__ATOMIC_SEQ_CST);
  *reinterpret_cast<Pair*>(&entry->acquisition) = moves >> 32 | static_cast<uint64_t>(mode) << 32;
  __atomic_signal_fence(__ATOMIC_SEQ_CST);
  *HoldingOf(entry) = holding;
}

// Takes the newest away. `moves` as above.
inline void PopHeld(trace::HeldEntry* newest, trace::SlotRecord* slot, uint64_t moves) {
  newest->lock = 0;
  __atomic_signal_fence(__ATOMIC_SEQ_CST);
  *MovesOf(slot) = moves - kOneReleased;
}

// Of all that the thread holds; 0 when that is nothing.
uint64_t HeldHash(const Thread* thread);

// The index of the newest holding of the lock, or -1.
int FindHeld(const Thread* thread, trace::Ref lock);
// Adds a holding; makes room first.
void Hold(Thread* thread, trace::Ref lock, trace::Ref stack, trace::Mode mode);
// The same of an acquisition that is profiled (profile.h).
void HoldProfiled(Thread* thread, trace::Ref lock, trace::Ref stack, trace::Mode mode, uint64_t wait_start);

// The lock is gone with its memory: whoever holds it holds nothing. REQUIRES: `thread` is the calling one.
void DropHeld(Thread* thread, trace::Ref lock);
// One of the calling thread's acquisitions is over, by its number.
void DropAcquisition(Thread* thread, uint32_t acquisition);
// The same for an acquisition of another thread, which will find out when it comes by.
void MarkGivenUp(Thread* holder, trace::Ref lock, uint32_t acquisition);
// Its thread gives up what stands at `index`: to be said before it is removed. REQUIRES: inside the recorder.
void EndHolding(Thread* thread, int index, const Site& site);
// What stands at `index` is held no longer, however that came.
void RemoveHeld(Thread* thread, int index);

}  // namespace gordian::record

#endif  // GORDIAN_LIBSYNC_RECORD_HOLDINGS_H_
