#include "libsync/record/condition_waits.h"

#include "libsync/record/condition_mutex.h"
#include "libsync/record/dependency.h"
#include "libsync/record/events.h"
#include "libsync/record/hand_overs.h"
#include "libsync/record/holdings.h"
#include "libsync/record/memory_use.h"
#include "libsync/record/plan.h"

namespace gordian::record {

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
    const bool stands = BeforeConditionWait(thread, lock, stack);
    wait.may_pause = stands && (condition_facts.flags & trace::kProcessShared) == 0;
  }
  PublishWait(slot, trace::WaitKind::kCondition, timed ? trace::kTimed : 0, trace::Mode::kExclusive);
  return wait;
}

void BeginReacquire(const ConditionWait& wait) {
  const Entry entry;
  if (entry && wait.thread == entry.thread()) {
    BeforeReacquire(entry.thread());
  }
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
  HoldProfiled(wait.thread, wait.reacquire.lock, wait.reacquire.stack, wait.reacquire.mode,
               wait.reacquire.wait_start);
}

namespace {

// Tells the cached situation of a signal from that of an acquisition.
constexpr uint64_t kSignalKey = 0x5851F42D4C957F2Du;

// What the thread holds while it signals, for waiters that hold the same. In a known situation: one count.
void RecordSignalHeld(Thread* thread, trace::Ref condition, const Site& site) {
  const uint64_t key =
      SituationKey(thread, site, trace::Mode::kExclusive, Blocking::kForever, condition) ^ kSignalKey;
  if (CacheEntry known; FindForCallers(thread, site, key, &known)) {
    return;
  }
  const trace::Ref stack = StackOf(thread, site);
  const trace::Ref dependency =
      RecordDependency(thread, condition, stack, trace::Mode::kExclusive, trace::kSignals, 0);
  if (dependency != 0) {
    const Callers callers = FindCallers(site, thread->stack_low, thread->stack_high);
    RememberForCallers(thread, site,
                       CacheEntry{key, stack, dependency, callers, CallerSum(site, callers), 0});
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

}  // namespace gordian::record
