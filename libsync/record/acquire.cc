#include "libsync/record/acquire.h"

#include <cstring>

#include "libsync/record/condition_mutex.h"
#include "libsync/record/dependency.h"
#include "libsync/record/durations.h"
#include "libsync/record/events.h"
#include "libsync/record/hand_overs.h"
#include "libsync/record/memory_use.h"
#include "libsync/record/plan.h"
#include "libsync/record/profile.h"

namespace gordian::record {
namespace {

constexpr uint64_t kNeverKey = 0;
// Tells the cached situation of a signal from that of an acquisition.
constexpr uint64_t kSignalKey = 0x5851F42D4C957F2Du;

// The index of the newest holding of the lock, or -1.
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

// Its thread gives up what stands at `index`. REQUIRES: inside the recorder.
void EndHolding(Thread* thread, int index, const Site& site) {
  RecordHolding(thread, index, site);
  ProfileReleased(thread, static_cast<uint32_t>(index));
}

// It passed a wait that others ended.
void NoteOrder(Thread* thread) {
  thread->order_mark = static_cast<trace::Ref>(g_trace.used() / trace::kRecordAlign);
}

bool IsRecursive(trace::LockKind kind) {
  return kind == trace::LockKind::kRecursiveMutex || kind == trace::LockKind::kStream;
}

// A semaphore that is a signal belongs to nobody.
bool IsHeld(const trace::LockRecord* lock) {
  return !IsSemaphore(static_cast<trace::LockKind>(lock->kind)) || (lock->flags & trace::kHandOff) == 0;
}

// It is a signal, and no fast path takes it for a lock.
void MarkHandOff(const ObjectFacts& object, trace::LockRecord* record) {
  if ((record->flags & trace::kHandOff) == 0) {
    record->flags |= trace::kHandOff;
    if (IsSemaphore(object.kind)) {
      SetTagClass(object, kOtherTag);
    }
  }
}

// An unlock by another thread than the owner fails and changes nothing.
bool RefusesStrangers(const ObjectFacts& object) {
  return object.kind == trace::LockKind::kErrorcheckMutex ||
         object.kind == trace::LockKind::kRecursiveMutex ||
         (object.flags & (trace::kRobust | trace::kPriorityInherit)) != 0;
}

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

// A lock on this thread's own stack, below the frames that live now, was left there locked. And a semaphore
// that others have meanwhile posted is no lock any more, nor is a file lock held that others gave back.
void DropStaleHoldings(Thread* thread, const Site& site) {
  for (int i = static_cast<int>(thread->own_slot->held_count); i-- > 0;) {
    const trace::HeldEntry entry = thread->held[i];
    if (entry.lock == 0) {
      continue;
    }
    const auto* lock = g_trace.At<trace::LockRecord>(entry.lock);
    if (!IsHeld(lock) || (entry.flags & trace::kGivenUp) != 0) {
      RemoveHeld(thread, i);
    } else if ((lock->flags & trace::kOnStack) != 0 && lock->creator == thread->ref &&
               lock->address >= thread->stack_low && lock->address < site.frame &&
               site.frame < thread->stack_high && !OnSignalStack()) {
      RecordEvent(thread, trace::EventKind::kFrameInUse, entry.lock, thread->ref, 0, StackOf(thread, site),
                  entry.stack);
      RemoveHeld(thread, i);
    }
  }
}

}  // namespace

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

namespace {

// Calls from one return address at one depth by the same callers, holding the same, come by the same path but
// for rare twins: one stack stands for them. Depth instead of address lets threads share what they learn.
uint64_t PathKey(const Thread* thread, const Site& site) {
  uint64_t held = 0;
  for (uint32_t i = 0; i < thread->own_slot->held_count; ++i) {
    held += MixBits(thread->held[i].stack);
  }
  const Callers callers = FindCallers(site, thread->stack_low, thread->stack_high);
  const uint64_t depth = thread->stack_high - site.frame;
  return MixBits(site.return_address ^ MixBits(depth ^ uint64_t{CallerSum(site, callers)} << 32) ^ held) | 1;
}

}  // namespace

trace::Ref StackOf(Thread* thread, const Site& site) {
  const uint64_t key = PathKey(thread, site);
  trace::Ref ref = static_cast<trace::Ref>(g_image->sites.For(key).Find(key));
  if (ref == 0) {
    ref = CaptureStack(site, thread->stack_low, thread->stack_high);
    const uint64_t learnt = PathKey(thread, site);  // the unwinder may have told more of the callers
    g_image->sites.For(learnt).Put(&g_image->arena, learnt, ref);
  }
  return ref;
}

namespace {

// The inline fast paths go by the tag alone.
bool HasFastTag(const Thread* thread, const ObjectFacts& object) {
  const uint64_t tag = object.tag == nullptr ? 0 : __atomic_load_n(object.tag, __ATOMIC_RELAXED);
  return (tag & kTagClassMask) != kOtherTag && TagMatches(tag, object.address, thread->tag_secret);
}

// As BeginKnownAcquire makes it.
uint64_t SituationKey(const Thread* thread, const Site& site, trace::Mode mode, Blocking blocking,
                      trace::Ref lock) {
  const uint64_t place = SiteKey(site) ^ CallKey(mode, blocking);
  return thread->own_slot->held_count == 0 ? place : NestedKey(thread, place, HeldHash(thread), lock);
}

// The key of a situation with one object in it, for objects that the inline fast path does not know by their
// tag alone.
uint64_t ObjectKey(const Thread* thread, const ObjectFacts& object, trace::Mode mode, Blocking blocking,
                   const Site& site) {
  const uint64_t place = SiteKey(site) ^ CallKey(mode, blocking) ^ AddressKey(object.address);
  return thread->own_slot->held_count == 0 ? place : NestedKey(thread, place, HeldHash(thread), 0);
}

uint8_t FlagsOf(const trace::LockRecord* record, Blocking blocking) {
  const auto kind = static_cast<trace::LockKind>(record->kind);
  return static_cast<uint8_t>((blocking == Blocking::kTimed ? trace::kTimed : 0) |
                              (kind == trace::LockKind::kSpinlock ? trace::kSpins : 0) |
                              (IsSignal(record) ? trace::kAnybody : 0));
}

// Whether the record still stands for the object.
bool StandsFor(const Thread* thread, trace::Ref lock, const ObjectFacts& object) {
  if (object.tag != nullptr) {
    const uint64_t tag = __atomic_load_n(object.tag, __ATOMIC_RELAXED);
    return static_cast<trace::Ref>(tag >> 32) == lock && TagMatches(tag, object.address, thread->tag_secret);
  }
  const auto* record = g_trace.At<trace::LockRecord>(lock);
  return record->address == reinterpret_cast<uintptr_t>(object.address) && IsOfKind(record, object.kind) &&
         (record->flags & (trace::kDestroyed | trace::kRetired)) == 0;
}

// An acquisition as one before, by what is remembered of that: no table, no system call, no stack.
bool BeginRememberedAcquire(const ObjectFacts& object, trace::Mode mode, Blocking blocking, const Site& site,
                            Attempt* attempt) {
  Thread* thread = t_thread;
  trace::SlotRecord* slot = thread->slot;
  if (slot == nullptr || (object.flags & trace::kDestroyed) != 0) {
    return false;
  }
  const uint64_t key = ObjectKey(thread, object, mode, blocking, site);
  const CacheEntry* entry = FindRemembered(thread, key);
  if (entry == nullptr || entry->lock == 0 || CallerSum(site, entry->callers) != entry->caller_sum ||
      !StandsFor(thread, entry->lock, object)) {
    return false;
  }
  if ((object.flags & trace::kHandOff) != 0) {
    MarkHandOff(object, g_trace.At<trace::LockRecord>(entry->lock));
  }
  const bool recursive = IsRecursive(object.kind);
  const bool again = FindHeld(thread, entry->lock) >= 0;
  if (again ? !recursive : HasFastTag(thread, object)) {
    return false;
  }
  if (blocking != Blocking::kTry && !again) {
    PublishLockWait(slot, entry->lock, entry->stack, mode,
                    FlagsOf(g_trace.At<trace::LockRecord>(entry->lock), blocking));
  }
  *attempt = Attempt{thread, entry->lock, entry->stack, mode, again, 0, 0};
  return true;
}

// The release of what was acquired last. False: anything else.
bool ReleaseNewest(Thread* thread, const ObjectFacts& object) {
  trace::SlotRecord* slot = thread->slot;
  if (slot == nullptr || slot->held_count == 0) {
    return false;
  }
  const uint32_t last = slot->held_count - 1;
  trace::HeldEntry* entry = &thread->held[last];
  if (entry->lock == 0 || !StandsFor(thread, entry->lock, object)) {
    return false;
  }
  if (entry->depth > 0) {
    --entry->depth;
    return true;
  }
  PopHeld(entry, slot, *MovesOf(slot));
  return true;
}

}  // namespace

bool RecordIfDestroyed(Thread* thread, const ObjectFacts& object, trace::Ref lock, const Site& site) {
  if (!IsDestroyed(object, lock)) {
    return false;
  }
  RecordEvent(thread,
              {.kind = trace::EventKind::kUseAfterDestroy, .object = lock, .stack = StackOf(thread, site)});
  return true;
}

Attempt BeginAcquire(const ObjectFacts& object, trace::Mode mode, Blocking blocking, const Site& site) {
  if (Attempt known; BeginRememberedAcquire(object, mode, blocking, site, &known)) {
    return known;
  }
  const Entry entry;
  if (!entry) {
    return Attempt{};
  }
  Thread* thread = entry.thread();
  trace::SlotRecord* slot = thread->own_slot;
  DropStaleHoldings(thread, site);
  const bool libc_writes = blocking == Blocking::kForever && object.owner != slot->tid;
  const trace::Ref lock = ResolveLock(thread, object, libc_writes);
  if (lock == 0) {
    return Attempt{};
  }
  auto* record = g_trace.At<trace::LockRecord>(lock);
  RecordIfDestroyed(thread, object, lock, site);
  if ((object.flags & trace::kHandOff) != 0) {
    MarkHandOff(object, record);
  }
  const trace::Ref stack = StackOf(thread, site);
  if (record->first_stack == 0) {
    record->first_stack = stack;
  }
  const bool again = FindHeld(thread, lock) >= 0;
  const bool nested = slot->held_count != 0;
  trace::Ref dependency = 0;
  // A reader that comes again can queue behind a writer where writers go first.
  const bool may_wait = !again || object.kind == trace::LockKind::kWriterRwlock;
  if (blocking == Blocking::kForever && may_wait && IsHeld(record)) {
    dependency = RecordDependency(thread, lock, stack, mode, 0, 0);
  }
  const bool complete = stack != 0 && (dependency != 0 || !nested || blocking != Blocking::kForever ||
                                       !may_wait || !IsHeld(record));
  if (complete && (!again || IsRecursive(object.kind))) {
    const bool by_tag = !again && HasFastTag(thread, object);
    const uint64_t key = by_tag ? SituationKey(thread, site, mode, blocking, lock)
                                : ObjectKey(thread, object, mode, blocking, site);
    if (key != kNeverKey) {
      const Callers callers = FindCallers(site, thread->stack_low, thread->stack_high);
      Remember(thread,
               CacheEntry{key, stack, dependency, callers, CallerSum(site, callers), by_tag ? 0 : lock});
    }
  }
  if (g_plan != nullptr && !again) {
    BeforeAnything(thread);
    if (blocking == Blocking::kForever) {
      BeforeAcquire(thread, lock, stack);
    }
  }
  if (blocking != Blocking::kTry && !(again && IsRecursive(object.kind))) {
    PublishLockWait(slot, lock, stack, mode, FlagsOf(record, blocking));
  }
  const bool is_timed = g_config.times_waits && blocking != Blocking::kTry && IsHeld(record);
  const bool looks_taken = mode == trace::Mode::kShared ? object.owner != 0 : object.locked;
  return Attempt{thread,
                 lock,
                 stack,
                 mode,
                 again,
                 is_timed ? NowNs() : 0,
                 WaitStart(g_config.profiles && !again && looks_taken, blocking == Blocking::kTry)};
}

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

namespace {

void HoldProfiled(const Attempt& attempt) {
  Thread* thread = attempt.thread;
  const uint32_t index = thread->own_slot->held_count;
  Hold(thread, attempt.lock, attempt.stack, attempt.mode);
  if (thread->own_slot->held_count > index) {
    ProfileAcquired(thread, index, attempt.wait_start);
  }
}

// The holdings after an acquisition.
void Settle(const Attempt& attempt) {
  Thread* thread = attempt.thread;
  const int index = attempt.again ? FindHeld(thread, attempt.lock) : -1;
  auto* record = g_trace.At<trace::LockRecord>(attempt.lock);
  const auto kind = static_cast<trace::LockKind>(record->kind);
  if (IsSignal(record)) {
    NoteOrder(thread);
    RecordTook(attempt.lock, 0);
  }
  if (!IsHeld(record)) {
    return;
  }
  if (index < 0 || attempt.mode == trace::Mode::kShared) {
    HoldProfiled(attempt);
  } else if (IsRecursive(kind)) {
    ++thread->held[index].depth;
  } else if (IsSemaphore(kind)) {
    // It let its holder in again: somebody else has posted it.
    record->flags |= trace::kHandOff;
    if (kind == trace::LockKind::kSemaphore) {
      SetTagClass(FactsOf(reinterpret_cast<sem_t*>(record->address)), kOtherTag);
    }
    RemoveHeld(thread, index);
  } else {
    ++thread->own_slot
          ->acquisitions;  // somebody else had unlocked it meanwhile: the old holding is the new one
  }
}

}  // namespace

void EndAcquire(const Attempt& attempt, bool acquired) {
  // Not ours to end: a fork child that came back from a call its parent began, or a handler inside the
  // recorder.
  if (attempt.thread == nullptr || t_inside || attempt.thread != t_thread ||
      attempt.thread->own_slot == nullptr) {
    return;
  }
  ClearWait(attempt.thread->own_slot);
  const uint64_t waited_ns = attempt.start_ns == 0 ? 0 : NowNs() - attempt.start_ns;
  if (acquired) {
    Settle(attempt);
  } else {
    ProfileGivenUp(attempt.thread, attempt.lock, attempt.stack, attempt.mode, attempt.wait_start);
  }
  if (waited_ns != 0) {
    RecordWait(attempt.lock, attempt.stack, waited_ns);
  }
}

namespace {

// A post that tells nothing new.
bool PostKnown(const ObjectFacts& object, int64_t value) {
  Thread* thread = t_thread;
  if (thread->slot == nullptr || object.tag == nullptr) {
    return false;
  }
  const uint64_t tag = __atomic_load_n(object.tag, __ATOMIC_RELAXED);
  if (!TagMatches(tag, object.address, thread->tag_secret)) {
    return false;
  }
  const auto* record = g_trace.At<trace::LockRecord>(static_cast<trace::Ref>(tag >> 32));
  if ((record->flags & trace::kHandOff) != 0) {
    return (record->flags & trace::kOrderLost) != 0;
  }
  return (record->flags & trace::kLockLike) != 0 && value == 0 && ReleaseNewest(thread, object);
}

}  // namespace

void BeginSemaphore(trace::Ref semaphore, int64_t value) {
  if (semaphore != 0 && value != 1) {
    g_trace.At<trace::LockRecord>(semaphore)->flags |= trace::kHandOff;
  }
}

void BeginPost(const ObjectFacts& object, int64_t value, const Site& site) {
  if (PostKnown(object, value)) {
    return;
  }
  const Entry entry(Entry::Open::kOnlyIfOpen);
  if (!entry) {
    return;
  }
  Thread* thread = entry.thread();
  const trace::Ref lock = ResolveLock(thread, object);
  if (lock == 0) {
    return;
  }
  RecordIfDestroyed(thread, object, lock, site);
  auto* record = g_trace.At<trace::LockRecord>(lock);
  if (const int index = FindHeld(thread, lock); index >= 0 && value == 0) {
    record->flags |= trace::kLockLike;
    EndHolding(thread, index, site);
    if ((record->flags & trace::kHandOff) == 0) {
      SetTagClass(object, kPlainTag);
    }
    RemoveHeld(thread, index);
  } else {
    MarkHandOff(object, record);
    RecordGave(thread, lock, value);
  }
}

namespace {

int FindNewestOnce(const Thread* thread) {
  for (int i = static_cast<int>(thread->own_slot->held_count); i-- > 0;) {
    const trace::HeldEntry& entry = thread->held[i];
    if (entry.lock != 0 &&
        g_trace.At<trace::LockRecord>(entry.lock)->kind == static_cast<uint8_t>(trace::LockKind::kOnce)) {
      return i;
    }
  }
  return -1;
}

}  // namespace

void EndOnceRoutine(pthread_once_t* once) {
  const Entry entry(Entry::Open::kOnlyIfOpen);
  const trace::Ref lock = entry ? FindLock(OnceFacts(once)) : 0;
  if (lock == 0) {
    return;
  }
  Thread* thread = entry.thread();
  if (const int index = FindHeld(thread, lock); index >= 0) {
    RecordOnceDone(thread, lock, thread->own_slot->acquisitions != thread->held[index].acquisition);
    DropHeld(thread, lock);
  }
}

void LeaveOnceRoutine() {
  const Entry entry(Entry::Open::kOnlyIfOpen);
  if (entry) {
    if (const int index = FindNewestOnce(entry.thread()); index >= 0) {
      RemoveHeld(entry.thread(), index);
    }
  }
}

void LeaveAllOnceRoutines() {
  if (t_thread->own_slot == nullptr || t_thread->own_slot->held_count == 0) {
    return;
  }
  const Entry entry(Entry::Open::kOnlyIfOpen);
  for (int index = 0; entry && (index = FindNewestOnce(entry.thread())) >= 0;) {
    RemoveHeld(entry.thread(), index);
  }
}

void EndOnce(const Attempt& attempt, const pthread_once_t* once) {
  EndAcquire(attempt, false);
  {
    const Entry entry(Entry::Open::kOnlyIfOpen);
    if (!entry || attempt.thread != entry.thread()) {
      return;
    }
    RetireLock(attempt.lock);
  }
  PassDoneOnce(once);
}

void BeginReleaseSlow(const ObjectFacts& object, const Site& site) {
  if (ReleaseNewest(t_thread, object)) {
    return;
  }
  const Entry entry;
  if (!entry) {
    return;
  }
  Thread* thread = entry.thread();
  const trace::Ref lock = ResolveLock(thread, object);
  if (lock == 0) {
    return;
  }
  const int index = FindHeld(thread, lock);
  if (index >= 0) {
    if (thread->held[index].depth > 0) {
      --thread->held[index].depth;
    } else {
      EndHolding(thread, index, site);
      RemoveHeld(thread, index);
    }
    return;
  }
  // Unknown to us: taken before the shim could see it, or truly not held. The libc's own fields decide.
  auto* record = g_trace.At<trace::LockRecord>(lock);
  if (object.owner == thread->own_slot->tid || (record->flags & trace::kHandOff) != 0) {
    return;
  }
  // Held across a fork that told us nothing (a raw clone): the owner it names is a thread of the parent.
  if ((record->flags & trace::kInherited) != 0 && object.owner != 0 &&
      object.owner == record->owner_at_fork) {
    return;
  }
  const trace::Ref stack = StackOf(thread, site);
  if (RecordIfDestroyed(thread, object, lock, site)) {
    return;
  }
  Thread* holder = FindHolder(lock, thread);
  if (holder == nullptr && object.owner == 0 && object.locked) {
    return;  // by somebody whom neither we nor the object's own fields can name
  }
  if (holder == nullptr && object.owner == 0) {
    RecordEvent(thread, trace::EventKind::kUnlockNotHeld, lock, 0, 0, stack, record->first_stack);
    return;
  }
  RecordEvent(thread, trace::EventKind::kUnlockNotOwner, lock, holder == nullptr ? 0 : holder->ref,
              object.owner, stack, HeldStack(holder, lock));
  if (!RefusesStrangers(object)) {
    record->flags |= trace::kHandOff;  // the unlock will succeed: whoever took it no longer holds it
  }
}

ConditionWait BeginConditionWait(pthread_cond_t* condition, pthread_mutex_t* mutex, bool timed,
                                 const Site& site) {
  const Entry entry;
  ConditionWait wait{};
  if (!entry) {
    return wait;
  }
  Thread* thread = entry.thread();
  trace::SlotRecord* slot = thread->own_slot;
  const ObjectFacts facts = FactsOf(mutex);
  const trace::Ref lock = ResolveLock(thread, facts);
  const ObjectFacts condition_facts = FactsOf(condition);
  const trace::Ref object = ResolveLock(thread, condition_facts);
  if (lock == 0 || object == 0) {
    return wait;
  }
  RecordIfDestroyed(thread, condition_facts, object, site);
  const trace::Ref stack = StackOf(thread, site);
  auto* record = g_trace.At<trace::LockRecord>(object);
  if (record->first_stack == 0) {
    record->first_stack = stack;
  }
  wait.thread = thread;
  wait.reacquire = Attempt{thread, lock, stack, trace::Mode::kExclusive, false, 0, 0};
  const int index = FindHeld(thread, lock);
  wait.was_held = index >= 0;
  CheckConditionMutex(thread, object, lock, facts, wait.was_held, stack);
  if (wait.was_held) {
    if (slot->held_count > 1) {
      RecordDependency(thread, lock, stack, trace::Mode::kExclusive, trace::kReacquire, lock);
      if (!timed) {
        RecordDependency(thread, object, stack, trace::Mode::kExclusive, trace::kAwaits, lock);
      }
    }
    wait.depth = thread->held[index].depth;
    if (wait.depth > 0) {
      --thread->held[index].depth;
    } else {
      EndHolding(thread, index, site);
      RemoveHeld(thread, index);
    }
  }
  slot->wait_object = object;
  slot->wait_object2 = lock;
  slot->wait_stack = stack;
  wait.condition = object;
  wait.signals = __atomic_load_n(&record->signals, __ATOMIC_RELAXED);
  slot->wait_value = wait.signals;
  slot->wait_address = reinterpret_cast<uint64_t>(condition);
  NoteUse(object, 1);
  if (g_plan != nullptr) {
    BeforeConditionWait(thread, lock, stack);
  }
  PublishWait(slot, trace::WaitKind::kCondition, timed ? trace::kTimed : 0, trace::Mode::kExclusive);
  return wait;
}

void EndConditionWait(const ConditionWait& wait, AfterWait after) {
  if (wait.thread == nullptr || wait.thread != t_thread || wait.thread->own_slot == nullptr) {
    return;
  }
  trace::SlotRecord* slot = wait.thread->own_slot;
  NoteUse(slot->wait_object, -1);
  ClearWait(slot);
  AfterConditionWait(wait.thread);
  NoteOrder(wait.thread);
  // Without a signal it was a timeout, or nothing at all.
  if (after == AfterWait::kHeld && g_trace.At<trace::LockRecord>(wait.condition)->signals != wait.signals) {
    RecordTook(wait.condition, wait.signals);
  }
  if (after == AfterWait::kLost || (after == AfterWait::kAsBefore && !wait.was_held)) {
    return;
  }
  if (wait.depth > 0) {
    const int index = FindHeld(wait.thread, wait.reacquire.lock);
    if (index >= 0) {
      ++wait.thread->held[index].depth;
    }
    return;
  }
  HoldProfiled(wait.reacquire);
}

namespace {

// What the thread holds while it signals, for waiters that hold the same. In a known situation: one count.
void RecordSignalHeld(Thread* thread, trace::Ref condition, const Site& site) {
  const uint64_t key =
      SituationKey(thread, site, trace::Mode::kExclusive, Blocking::kForever, condition) ^ kSignalKey;
  const CacheEntry* entry = FindRemembered(thread, key);
  if (entry != nullptr && CallerSum(site, entry->callers) == entry->caller_sum) {
    return;
  }
  const trace::Ref stack = StackOf(thread, site);
  const trace::Ref dependency =
      RecordDependency(thread, condition, stack, trace::Mode::kExclusive, trace::kSignals, 0);
  if (dependency != 0) {
    const Callers callers = FindCallers(site, thread->stack_low, thread->stack_high);
    Remember(thread, CacheEntry{key, stack, dependency, callers, CallerSum(site, callers), 0});
  }
}

// Whether the last signal found anybody. Where it was sent is told when that changes, not at every signal.
void RecordSignalFound(Thread* thread, trace::Ref condition, bool found, const Site& site) {
  auto* record = g_trace.At<trace::LockRecord>(condition);
  const bool lost_before = (__atomic_load_n(&record->flags, __ATOMIC_RELAXED) & trace::kSignalLost) != 0;
  if (found && lost_before) {
    __atomic_fetch_and(&record->flags, static_cast<uint16_t>(~trace::kSignalLost), __ATOMIC_RELAXED);
  } else if (!found && !lost_before) {
    RecordEvent(thread,
                {.kind = trace::EventKind::kLostSignal, .object = condition, .stack = StackOf(thread, site)});
    __atomic_fetch_or(&record->flags, static_cast<uint16_t>(trace::kSignalLost), __ATOMIC_RELAXED);
  }
}

}  // namespace

void RecordSignal(pthread_cond_t* condition, const Site& site) {
  const Entry entry(Entry::Open::kOnlyIfOpen);
  if (!entry) {
    return;
  }
  // Where it is not known whether anybody waits, a condition that nobody has waited for needs no record.
  const ObjectFacts facts = FactsOf(condition);
  const trace::Ref ref = g_config.know_conditions ? ResolveLock(entry.thread(), facts) : FindLock(facts);
  if (ref == 0) {
    return;
  }
  RecordIfDestroyed(entry.thread(), facts, ref, site);
  auto* record = g_trace.At<trace::LockRecord>(ref);
  const uint32_t signals = __atomic_add_fetch(&record->signals, 1, __ATOMIC_RELAXED);
  if (entry->own_slot->held_count != 0) {
    RecordSignalHeld(entry.thread(), ref, site);
  } else if ((record->flags & trace::kSignalledFree) == 0) {
    record->flags |= trace::kSignalledFree;
  }
  const bool found = !g_config.know_conditions || ConditionHasWaiters(condition);
  if (found) {
    RecordGave(entry.thread(), ref, signals);
  }
  RecordSignalFound(entry.thread(), ref, found, site);
}

Thread* BeginWait(Entry* entry, trace::WaitKind kind, trace::Ref object, int64_t value, bool timed,
                  trace::Ref stack) {
  if (!*entry) {
    return nullptr;
  }
  trace::SlotRecord* slot = (*entry)->own_slot;
  slot->wait_object = object;
  slot->wait_object2 = 0;
  slot->wait_stack = stack;
  slot->wait_value = value;
  slot->wait_address = 0;
  PublishWait(slot, kind, timed ? trace::kTimed : 0, trace::Mode::kExclusive);
  return entry->thread();
}

Thread* BeginFutexWait(uintptr_t word, bool timed, const Site& site) {
  Entry entry(Entry::Open::kOnlyIfOpen);
  if (!entry) {
    return nullptr;
  }
  const trace::Ref stack = StackOf(entry.thread(), site);
  if (g_image->events.Add(&g_image->arena, uint64_t{1} << 62 | stack, 1) == 1) {
    __atomic_fetch_add(&g_trace.header()->counters.futex_waits_unseen, 1, __ATOMIC_RELAXED);
  }
  trace::SlotRecord* slot = entry->own_slot;
  slot->wait_object = 0;
  slot->wait_object2 = 0;
  slot->wait_stack = stack;
  slot->wait_value = 0;
  slot->wait_address = word;
  PublishWait(slot, trace::WaitKind::kFutex, timed ? trace::kTimed : 0, trace::Mode::kExclusive);
  return entry.thread();
}

void EndWait(Thread* thread) {
  if (thread == nullptr || thread != t_thread || thread->own_slot == nullptr) {
    return;
  }
  const auto kind = static_cast<trace::WaitKind>(thread->own_slot->wait_kind);
  if (kind == trace::WaitKind::kBarrier || kind == trace::WaitKind::kFutex) {
    NoteOrder(thread);
  }
  ClearWait(thread->own_slot);
}

void RecordAwaitedEnd(Thread* thread, trace::Ref whose, trace::DependencyFlags kind, trace::Ref stack) {
  if (whose != 0) {
    const uint32_t soft = whose < thread->order_mark ? trace::kSoftOrdered : 0u;
    RecordDependency(thread, whose, stack, trace::Mode::kExclusive, kind | soft, 0);
  }
}

}  // namespace gordian::record
