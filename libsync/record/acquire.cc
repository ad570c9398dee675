#include "libsync/record/acquire.h"

#include "libsync/record/dependency.h"
#include "libsync/record/durations.h"
#include "libsync/record/events.h"
#include "libsync/record/hand_overs.h"
#include "libsync/record/plan.h"
#include "libsync/record/profile.h"
#include "libsync/record/scripts.h"

namespace gordian::record {
namespace {

constexpr uint64_t kNeverKey = 0;

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

// Calls from one return address at one depth by the same callers, holding the same, come by the same path but
// for rare twins: one stack stands for them. Depth instead of address lets threads share what they learn.
uint64_t PathKey(const Thread* thread, const Site& site, uint64_t script) {
  uint64_t held = 0;
  for (uint32_t i = 0; i < thread->own_slot->held_count; ++i) {
    held += MixBits(thread->held[i].stack);
  }
  const Callers callers = FindCallers(site, thread->stack_low, thread->stack_high);
  const uint64_t depth = thread->stack_high - site.frame;
  return MixBits(site.return_address ^ MixBits(depth ^ uint64_t{CallerSum(site, callers)} << 32) ^ held ^
                 script) |
         1;
}

trace::Ref FindOrTakeStack(Thread* thread, const Site& site, uint64_t script) {
  const uint64_t key = PathKey(thread, site, script);
  trace::Ref ref = static_cast<trace::Ref>(g_image->sites.For(key).Find(key));
  if (ref == 0) {
    ref = CaptureStack(site, thread->stack_low, thread->stack_high, script != 0);
    const uint64_t learnt = PathKey(thread, site, script);  // the unwinder may have told more of the callers
    g_image->sites.For(learnt).Put(&g_image->arena, learnt, ref);
  }
  return ref;
}

}  // namespace

trace::Ref StackOf(Thread* thread, const Site& site) {
  return FindOrTakeStack(thread, site, thread->script != 0 ? thread->script : ScriptKey());
}
trace::Ref LockStackOf(Thread* thread, const Site& site) {
  return FindOrTakeStack(thread, site, thread->script);
}

// The words that an entry names lie at the same place for all calls that share the callers below: of those
// that differ in the first caller no more than that one is looked at.
bool FindOtherCallers(const Thread* thread, const Site& site, CacheEntry* entry) {
  for (int level = 0; level < kCallers; ++level) {
    if (IsBy(*entry, site)) {
      return true;
    }
    if (!FindRemembered(thread, DeeperKey(entry->key, site, *entry, level), entry)) {
      return false;
    }
  }
  return false;
}

namespace {

// The first way stands in its own place, and beside it nothing, or who moved there.
bool HasRoomBesideFirst(Thread* thread, uint64_t key) {
  const uint64_t place = key >> (64 - kCacheBits);
  const uint64_t beside = BesideFirst(thread, key)->key;
  return thread->cache[place].key == key && beside != key &&
         (beside == kNeverKey || beside >> (64 - kCacheBits) != (place ^ 1));
}

}  // namespace

void RememberForCallers(Thread* thread, const Site& site, CacheEntry entry) {
  if (entry.key == kNeverKey) {
    return;
  }
  CacheEntry known;
  bool is_known = FindRemembered(thread, entry.key, &known);
  if (CacheEntry* second = BesideFirst(thread, entry.key);
      (second->key == entry.key && IsBy(*second, site)) ||
      (is_known && !IsBy(known, site) && HasRoomBesideFirst(thread, entry.key))) {
    *second = entry;
    return;
  }
  for (int level = 0; level + 1 < kCallers && is_known && !IsBy(known, site); ++level) {
    entry.key = DeeperKey(entry.key, site, known, level);
    is_known = FindRemembered(thread, entry.key, &known);
  }
  Remember(thread, entry);
}

uint64_t SituationKey(const Thread* thread, const Site& site, trace::Mode mode, Blocking blocking,
                      trace::Ref lock) {
  const uint64_t place = SiteKey(site) ^ thread->script ^ CallKey(mode, blocking);
  return thread->own_slot->held_count == 0 ? place : NestedKey(thread, place, HeldHash(thread), lock);
}

namespace {

// The inline fast paths go by the tag alone.
bool HasFastTag(const Thread* thread, const ObjectFacts& object) {
  const uint64_t tag = object.tag == nullptr ? 0 : __atomic_load_n(object.tag, __ATOMIC_RELAXED);
  return (tag & kTagClassMask) != kOtherTag && TagMatches(tag, object.address, thread->tag_secret);
}

// The key of a situation with one object in it, for objects that the inline fast path does not know by their
// tag alone.
uint64_t ObjectKey(const Thread* thread, const ObjectFacts& object, trace::Mode mode, Blocking blocking,
                   const Site& site) {
  const uint64_t place =
      SiteKey(site) ^ thread->script ^ CallKey(mode, blocking) ^ AddressKey(object.address);
  return thread->own_slot->held_count == 0 ? place : NestedKey(thread, place, HeldHash(thread), 0);
}

// The key of a situation whatever instances of their classes are held and wanted in it: where no further
// instances are recorded, or none at all, all of them are one. A program that takes locks out of a large
// table with others held would not meet the same instances again for long.
uint64_t ClassKey(const Thread* thread, trace::Ref lock, trace::Mode mode, Blocking blocking,
                  const Site& site) {
  uint64_t held = 0;
  for (uint32_t i = 0; i < thread->own_slot->held_count; ++i) {
    const trace::HeldEntry& entry = thread->held[i];
    if (entry.lock != 0) {
      held += MixBits(ClassOf(g_trace.At<trace::LockRecord>(entry.lock)) ^ entry.stack) ^ entry.mode;
    }
  }
  const uint64_t wanted = ClassOf(g_trace.At<trace::LockRecord>(lock));
  return MixBits(SiteKey(site) ^ thread->script ^ CallKey(mode, blocking) ^
                 MixBits(held ^ thread->segment_hash) ^ wanted);
}

// It stands for all further instances of its classes, in this thread.
bool IsFolded(trace::Ref dependency) {
  return dependency != 0 && (g_trace.At<trace::DependencyRecord>(dependency)->flags & trace::kFolded) != 0;
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
  CacheEntry entry;
  if (!FindForCallers(thread, site, key, &entry) || entry.lock == 0 ||
      !StandsFor(thread, entry.lock, object)) {
    return false;
  }
  if ((object.flags & trace::kHandOff) != 0) {
    MarkHandOff(object, g_trace.At<trace::LockRecord>(entry.lock));
  }
  const bool recursive = IsRecursive(object.kind);
  const bool again = FindHeld(thread, entry.lock) >= 0;
  if (again ? !recursive : HasFastTag(thread, object)) {
    return false;
  }
  if (!IsTry(blocking) && !again) {
    PublishLockWait(slot, entry.lock, entry.stack, mode,
                    FlagsOf(g_trace.At<trace::LockRecord>(entry.lock), blocking));
  }
  *attempt = Attempt{thread, entry.lock, entry.stack, mode, again, 0, 0};
  return true;
}

// The same of one whose instances do not matter.
bool BeginAcquireByClass(const ObjectFacts& object, trace::Mode mode, Blocking blocking, const Site& site,
                         Attempt* attempt) {
  Thread* thread = t_thread;
  trace::SlotRecord* slot = thread->slot;
  if (slot == nullptr || slot->held_count == 0 || slot->held_count >= trace::kInlineHeld ||
      (object.flags & (trace::kDestroyed | trace::kHandOff)) != 0 || !HasFastTag(thread, object)) {
    return false;
  }
  const auto lock = static_cast<trace::Ref>(__atomic_load_n(object.tag, __ATOMIC_RELAXED) >> 32);
  if (lock == 0 || !StandsFor(thread, lock, object) || FindHeld(thread, lock) >= 0) {
    return false;
  }
  CacheEntry entry;
  if (!FindForCallers(thread, site, ClassKey(thread, lock, mode, blocking, site), &entry)) {
    return false;
  }
  if (!IsTry(blocking)) {
    PublishLockWait(slot, lock, entry.stack, mode, FlagsOf(g_trace.At<trace::LockRecord>(lock), blocking));
  }
  *attempt = Attempt{thread, lock, entry.stack, mode, false, 0, 0};
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
  if (Attempt known; BeginAcquireByClass(object, mode, blocking, site, &known) ||
                     BeginRememberedAcquire(object, mode, blocking, site, &known)) {
    return known;
  }
  const Entry entry;
  if (!entry) {
    return Attempt{};
  }
  Thread* thread = entry.thread();
  trace::SlotRecord* slot = thread->own_slot;
  if (IsSemaphore(object.kind) && thread->script == 0) {
    thread->script = ScriptKey();  // the thread was not known when its hook began
  }
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
  const trace::Ref stack = LockStackOf(thread, site);
  if (record->first_stack == 0) {
    record->first_stack = stack;
  }
  const bool again = FindHeld(thread, lock) >= 0;
  const bool nested = slot->held_count != 0;
  trace::Ref dependency = 0;
  // A reader that comes again can queue behind a writer where writers go first.
  const bool may_wait = !again || object.kind == trace::LockKind::kWriterRwlock;
  if (WaitsForEver(blocking) && may_wait && IsHeld(record)) {
    dependency = RecordDependency(thread, lock, stack, mode, 0, 0);
  }
  const bool complete =
      stack != 0 && (dependency != 0 || !nested || !WaitsForEver(blocking) || !may_wait || !IsHeld(record));
  if (complete && (!again || IsRecursive(object.kind))) {
    const bool by_tag = !again && HasFastTag(thread, object);
    const bool is_folded = by_tag && IsFolded(dependency);
    const Callers callers = FindCallers(site, thread->stack_low, thread->stack_high);
    CacheEntry remembered{kNeverKey, stack, dependency, callers, CallerSum(site, callers), by_tag ? 0 : lock};
    // Where instances are folded, the same ones do not come again soon.
    const bool has_class_key = by_tag && nested && slot->held_count < trace::kInlineHeld;
    if (has_class_key && (is_folded || !WaitsForEver(blocking))) {
      remembered.key = ClassKey(thread, lock, mode, blocking, site);
      RememberForCallers(thread, site, remembered);
    }
    if (!has_class_key || !is_folded) {
      remembered.key = by_tag ? SituationKey(thread, site, mode, blocking, lock)
                              : ObjectKey(thread, object, mode, blocking, site);
      RememberForCallers(thread, site, remembered);
    }
  }
  if (g_plan != nullptr && !again) {
    BeforeAnything(thread);
    if (WaitsForEver(blocking)) {
      BeforeAcquire(thread, lock, stack);
    }
  }
  if (!IsTry(blocking) && !(again && IsRecursive(object.kind))) {
    PublishLockWait(slot, lock, stack, mode, FlagsOf(record, blocking));
  }
  const bool is_timed = g_config.times_waits && !IsTry(blocking) && IsHeld(record);
  const bool looks_taken = mode == trace::Mode::kShared ? object.owner != 0 : object.locked;
  return Attempt{thread,
                 lock,
                 stack,
                 mode,
                 again,
                 is_timed ? NowNs() : 0,
                 WaitStart(g_config.profiles && !again && looks_taken, IsTry(blocking))};
}

namespace {

// The holdings after an acquisition.
void Settle(const Attempt& attempt) {
  Thread* thread = attempt.thread;
  const int index = attempt.again ? FindHeld(thread, attempt.lock) : -1;
  auto* record = g_trace.At<trace::LockRecord>(attempt.lock);
  const auto kind = static_cast<trace::LockKind>(record->kind);
  if (IsSignal(record)) {
    NoteOrder(thread);
    RecordTook(attempt.lock, 0);
    if (kind == trace::LockKind::kSemaphore && record->creator != thread->ref && record->creator != 0 &&
        StandsForThread(record->create_stack)) {
      RecordJoin(thread, record->creator);
    }
  }
  if (!IsHeld(record)) {
    return;
  }
  if (index < 0 || attempt.mode == trace::Mode::kShared) {
    HoldProfiled(attempt.thread, attempt.lock, attempt.stack, attempt.mode, attempt.wait_start);
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
  if (semaphore != 0) {
    auto* record = g_trace.At<trace::LockRecord>(semaphore);
    const bool is_lock = value == 1 && !StandsForThread(record->create_stack);
    record->flags |= is_lock ? trace::kBeganAtOne : trace::kHandOff;
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

}  // namespace gordian::record
