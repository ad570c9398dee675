#include "libsync/record/holdings.h"

#include <cstring>

#include "libsync/record/durations.h"
#include "libsync/record/memory_use.h"
#include "libsync/record/plan.h"
#include "libsync/record/profile.h"

namespace gordian::record {

uint64_t HeldHash(const Thread* thread) {
  const uint32_t count = thread->own_slot->held_count;
  if (count != 0 && count <= trace::kInlineHeld) {
    return HashBelow(thread, count);
  }
  uint64_t hash = 0;
  for (uint32_t i = 0; i < count; ++i) {
    hash ^= HoldingHash(*HoldingOf(&thread->held[i]));
  }
  return hash;
}

int FindHeld(const Thread* thread, trace::Ref lock) {
  for (int i = static_cast<int>(thread->own_slot->held_count); i-- > 0;) {
    if (thread->held[i].lock == lock) {
      return i;
    }
  }
  return -1;
}

void RemoveHeld(Thread* thread, int index) {
  trace::SlotRecord* slot = thread->own_slot;
  trace::HeldEntry* entry = &thread->held[index];
  const uint32_t count = slot->held_count;
  const trace::Ref released = entry->lock;
  entry->lock = 0;
  NoteUse(released, -1);
  const uint32_t newer = count - 1 - static_cast<uint32_t>(index);
  memmove(entry, entry + 1, newer * sizeof(*entry));
  if (uint64_t* since = thread->held_since; since != nullptr) {
    memmove(since + index, since + index + 1, newer * sizeof(*since));
  }
  if (ProfiledHolding* profiled = thread->profiled; profiled != nullptr) {
    memmove(profiled + index, profiled + index + 1, newer * sizeof(*profiled));
  }
  thread->held[count - 1].lock = 0;  // a slot that is taken but not filled yet holds nothing
  slot->held_count = count - 1;
  for (uint32_t i = static_cast<uint32_t>(index) + 1; i < count - 1 && i < trace::kInlineHeld; ++i) {
    thread->hash_below[i] = HashBelow(thread, i);
  }
  // A reader that looks twice must see that something moved, also when the newest holding stays in its place.
  ++slot->acquisitions;
  if (g_plan != nullptr) {
    AfterRelease(thread);
  }
}

void EndHolding(Thread* thread, int index, const Site& site) {
  RecordHolding(thread, index, site);
  ProfileReleased(thread, static_cast<uint32_t>(index));
}

namespace {

bool GrowHeld(Thread* thread) {
  const uint32_t capacity = thread->held_capacity * 2;
  trace::Ref ref = 0;
  auto* set = g_trace.Append<trace::HeldSetRecord>(trace::Type::kHeldSet,
                                                   (capacity - 1) * sizeof(trace::HeldEntry), &ref);
  if (set == nullptr) {
    return false;
  }
  set->thread = thread->ref;  // the slot itself says how many of them count
  memcpy(set->held, thread->held, thread->own_slot->held_count * sizeof(trace::HeldEntry));
  g_trace.Commit(set, false);
  GrowHeldSince(thread, capacity);
  GrowProfiled(thread, capacity);
  thread->held = set->held;
  thread->held_capacity = capacity;
  __atomic_store_n(&thread->own_slot->held_overflow, ref, __ATOMIC_RELEASE);
  return true;
}

}  // namespace

void DropHeld(Thread* thread, trace::Ref lock) {
  if (const int index = FindHeld(thread, lock); index >= 0) {
    RemoveHeld(thread, index);
  }
}

namespace {

int FindAcquisition(const Thread* thread, uint32_t acquisition) {
  for (uint32_t i = thread->own_slot->held_count; i-- > 0;) {
    if (i < thread->held_capacity && thread->held[i].lock != 0 &&
        thread->held[i].acquisition == acquisition) {
      return static_cast<int>(i);
    }
  }
  return -1;
}

}  // namespace

void DropAcquisition(Thread* thread, uint32_t acquisition) {
  if (const int index = FindAcquisition(thread, acquisition); index >= 0) {
    RemoveHeld(thread, index);
  }
}

void MarkGivenUp(Thread* holder, trace::Ref lock, uint32_t acquisition) {
  // The holder may move its holdings at this moment: then they are looked at again.
  for (int tries = 0; tries < 4; ++tries) {
    const int index = FindAcquisition(holder, acquisition);
    if (index < 0) {
      return;
    }
    trace::HeldEntry* entry = &holder->held[index];
    if (__atomic_load_n(&entry->lock, __ATOMIC_RELAXED) == lock) {
      __atomic_store_n(&entry->flags, trace::kGivenUp, __ATOMIC_RELAXED);
      if (__atomic_load_n(&entry->acquisition, __ATOMIC_RELAXED) == acquisition) {
        return;
      }
    }
  }
}

void Hold(Thread* thread, trace::Ref lock, trace::Ref stack, trace::Mode mode) {
  if (thread->own_slot->held_count >= thread->held_capacity) {
    // Appending takes a spin lock: a handler on this thread must stay out meanwhile.
    const bool inside = t_inside;
    t_inside = true;
    const bool grown = GrowHeld(thread);
    t_inside = inside;
    if (!grown) {
      SwitchOff("no room for a thread's holdings");
      return;
    }
  }
  const uint32_t count = thread->own_slot->held_count;
  if (count != 0 && count < trace::kInlineHeld) {
    thread->hash_below[count] = HashBelow(thread, count);
  }
  PushHeld(thread->held, thread->own_slot, *MovesOf(thread->own_slot), uint64_t{stack} << 32 | lock, mode);
  NoteUse(lock, 1);
  if (thread->held_since != nullptr) {
    thread->held_since[count] = NowNs();
  }
  if (thread->profiled != nullptr) {
    thread->profiled[count].record = nullptr;
  }
}

void HoldProfiled(Thread* thread, trace::Ref lock, trace::Ref stack, trace::Mode mode, uint64_t wait_start) {
  const uint32_t index = thread->own_slot->held_count;
  Hold(thread, lock, stack, mode);
  if (thread->own_slot->held_count > index) {
    ProfileAcquired(thread, index, wait_start);
  }
}

}  // namespace gordian::record
