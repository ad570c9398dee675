#include "cli/watch/stall.h"

#include <algorithm>

namespace gordian::cli {
namespace {

using trace::SlotSnapshot;
using trace::WaitKind;

bool Holds(const SlotSnapshot& slot, trace::Ref lock) {
  return std::any_of(slot.held.begin(), slot.held.end(),
                     [&](const trace::HeldEntry& entry) { return entry.lock == lock; });
}

// What one slot waits for: the slots that could release it, or nobody.
struct Target {
  bool waits = false;
  bool nobody = false;  // nobody alive can release it
  std::vector<size_t> slots;
};

Target FindHolders(const std::vector<SlotSnapshot>& slots, trace::Ref lock) {
  Target target;
  target.waits = true;
  for (size_t i = 0; i < slots.size(); ++i) {
    if (Holds(slots[i], lock)) {
      target.slots.push_back(i);
    }
  }
  return target;
}

// An idle worker at its semaphore is no hang, and must not cost a judgement each time.
bool MayBeEnded(const SlotSnapshot& slot, const std::set<trace::Ref>& lost) {
  return (slot.slot.wait_flags & trace::kTimed) != 0 ||
         ((slot.slot.wait_flags & trace::kAnybody) != 0 && !lost.contains(slot.slot.wait_object));
}

Target FindTarget(const std::vector<SlotSnapshot>& slots, const SlotSnapshot& slot,
                  const std::set<trace::Ref>& lost) {
  Target target;
  if (MayBeEnded(slot, lost)) {
    return target;
  }
  switch (static_cast<WaitKind>(slot.slot.wait_kind)) {
    case WaitKind::kLock:
      target = FindHolders(slots, slot.slot.wait_object);
      target.nobody = target.slots.empty();
      break;
    case WaitKind::kCondition:
      // It may be past the condition and queue for the mutex; the kernel knows.
      target = FindHolders(slots, slot.slot.wait_object2);
      target.waits = !target.slots.empty();
      break;
    case WaitKind::kJoin:
      for (size_t i = 0; i < slots.size(); ++i) {
        if (slots[i].slot.thread == slot.slot.wait_object) {
          target.slots.push_back(i);
        }
      }
      target.waits = !target.slots.empty();
      break;
    case WaitKind::kProcess:
      // A parent that holds nothing is in nobody's way.
      target.waits = target.nobody = !slot.held.empty();
      break;
    case WaitKind::kNone:
    case WaitKind::kBarrier:
    case WaitKind::kFutex:
    case WaitKind::kSleep:
    case WaitKind::kCall:
      break;
  }
  return target;
}

}  // namespace

std::vector<bool> FindStalled(const std::vector<SlotSnapshot>& slots, const std::vector<bool>& still,
                              const std::function<bool(int32_t tid)>& exists,
                              const std::set<trace::Ref>& lost) {
  std::vector<Target> targets(slots.size());
  std::vector<bool> stalled(slots.size(), false);
  for (size_t i = 0; i < slots.size(); ++i) {
    if (!still[i]) {
      continue;
    }
    targets[i] = FindTarget(slots, slots[i], lost);
    stalled[i] = targets[i].waits;
    for (size_t holder : targets[i].slots) {
      if (!exists(slots[holder].slot.tid)) {
        targets[i].nobody = true;
      }
    }
  }
  // Whoever waits only for threads that can go on is not stuck; repeat until that frees nobody more.
  for (bool changed = true; changed;) {
    changed = false;
    for (size_t i = 0; i < slots.size(); ++i) {
      if (!stalled[i] || targets[i].nobody) {
        continue;
      }
      bool stuck = std::any_of(targets[i].slots.begin(), targets[i].slots.end(),
                               [&](size_t holder) { return stalled[holder]; });
      if (!stuck) {
        stalled[i] = false;
        changed = true;
      }
    }
  }
  return stalled;
}

}  // namespace gordian::cli
