#include "libsync/record/condition_mutex.h"

#include "libsync/record/events.h"

namespace gordian::record {
namespace {

struct Waiter {
  const Thread* thread;
  trace::Ref stack;
};

// A thread that surely waits on the condition now, with another mutex. Whoever may have been woken (by a
// signal, by its deadline, by being cancelled) does not count: the condition is then free for another mutex.
Waiter FindWaiterWithAnother(trace::Ref condition, trace::Ref mutex, const Thread* except) {
  const auto* record = g_trace.At<trace::LockRecord>(condition);
  Waiter found{nullptr, 0};
  ForEachThread([&](const Thread* thread) {
    const trace::SlotRecord* slot = thread->own_slot;
    const uint32_t moves = __atomic_load_n(&slot->acquisitions, __ATOMIC_ACQUIRE);
    const auto kind = static_cast<trace::WaitKind>(__atomic_load_n(&slot->wait_kind, __ATOMIC_ACQUIRE));
    const bool other = thread != except && kind == trace::WaitKind::kCondition &&
                       slot->wait_object == condition && slot->wait_object2 != mutex &&
                       (slot->wait_flags & trace::kTimed) == 0 &&
                       (thread->record->flags & trace::kCancelled) == 0;
    const trace::Ref stack = slot->wait_stack;
    const int64_t signals = slot->wait_value;
    // Nothing of it moved while it was looked at.
    if (other && __atomic_load_n(&slot->wait_kind, __ATOMIC_ACQUIRE) == static_cast<uint8_t>(kind) &&
        __atomic_load_n(&slot->acquisitions, __ATOMIC_ACQUIRE) == moves &&
        signals == static_cast<int64_t>(__atomic_load_n(&record->signals, __ATOMIC_ACQUIRE))) {
      found = Waiter{thread, stack};
    }
  });
  return found;
}

}  // namespace

void CheckConditionMutex(Thread* thread, trace::Ref condition, trace::Ref mutex,
                         const ObjectFacts& mutex_facts, bool held, trace::Ref stack) {
  auto* record = g_trace.At<trace::LockRecord>(mutex);
  NewEvent event{
      .kind = trace::EventKind::kConditionMutex, .object = condition, .object2 = mutex, .stack = stack};
  if ((mutex_facts.flags & trace::kDestroyed) != 0) {
    RecordEvent(thread, {.kind = trace::EventKind::kUseAfterDestroy, .object = mutex, .stack = stack});
  } else if (!held && mutex_facts.owner != thread->own_slot->tid && (record->flags & trace::kHandOff) == 0) {
    // Its own fields decide; an owner that we do not know (another process, the parent of a raw fork) may be
    // the caller by another name.
    const Thread* holder = FindHolder(mutex, thread);
    if (holder != nullptr || (mutex_facts.owner == 0 && !mutex_facts.locked)) {
      event.other = holder == nullptr ? 0 : holder->ref;
      event.other_stack = HeldStack(holder, mutex);
      RecordEvent(thread, event);
    }
    if (holder != nullptr && mutex_facts.kind != trace::LockKind::kErrorcheckMutex &&
        mutex_facts.kind != trace::LockKind::kRecursiveMutex) {
      record->flags |= trace::kHandOff;  // the wait unlocks it: whoever took it no longer holds it
    }
  } else if ((g_trace.At<trace::LockRecord>(condition)->flags & trace::kProcessShared) == 0) {
    // A condition of several processes may have been signalled by another one.
    const Waiter waiter = FindWaiterWithAnother(condition, mutex, thread);
    if (waiter.thread != nullptr) {
      event.value = 1;
      event.other = waiter.thread->ref;
      event.other_stack = waiter.stack;
      RecordEvent(thread, event);
    }
  }
}

}  // namespace gordian::record
