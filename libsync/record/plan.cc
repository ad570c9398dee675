#include "libsync/record/plan.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <sys/mman.h>

#include <cstring>

#include "libsync/record/raw.h"
#include "libsync/record/spin_lock.h"
#include "libsync/record/stack.h"

namespace gordian::record {

const trace::PlanHeader* g_plan = nullptr;

// A thread that stands before its step, on that thread's stack.
struct Parked {
  Parked* next;
  uint32_t cycle;
  uint64_t steps;  // that it can be: several threads may do the same at one place
  trace::Ref held;
  trace::Ref wanted;
  uint32_t go;  // futex: 1 once all threads of its cycle stand
};

namespace {

constexpr uint64_t kMillisecond = 1'000'000;
// A thread that was held back in vain this often at one step runs on: it may be a step that nobody ever
// meets.
constexpr uint32_t kVainPauses = 24;
constexpr uint64_t kMostVainNs = 6'000 * kMillisecond;
constexpr uint64_t kMostDisturbance = 5'000 * kMillisecond;
// Marks a mask in the table of stacks as computed.
constexpr uint64_t kComputed = uint64_t{1} << 63;

const trace::PlanStep* Steps() { return reinterpret_cast<const trace::PlanStep*>(g_plan + 1); }

bool Asks(trace::PlanWish wish) { return (g_plan->wishes & wish) != 0 && !g_no_syscalls; }

void SleepNs(uint64_t ns) {
  const timespec time{static_cast<time_t>(ns / 1'000'000'000), static_cast<long>(ns % 1'000'000'000)};
  RawSyscall(SYS_nanosleep, ToRaw(&time));
}

// Until *word is no longer `value`, at most until `end_ns`.
void WaitWhile(uint32_t* word, uint32_t value, uint64_t end_ns) {
  const timespec end{static_cast<time_t>(end_ns / 1'000'000'000), static_cast<long>(end_ns % 1'000'000'000)};
  while (__atomic_load_n(word, __ATOMIC_ACQUIRE) == value && NowNs() < end_ns) {
    RawSyscall(SYS_futex, ToRaw(word), FUTEX_WAIT_BITSET_PRIVATE, value, ToRaw(&end), 0,
               FUTEX_BITSET_MATCH_ANY);
  }
}

void Wake(uint32_t* word) { RawSyscall(SYS_futex, ToRaw(word), FUTEX_WAKE_PRIVATE, INT32_MAX); }

bool FramesMatch(const trace::PlanFrame* frames, uint32_t count, const trace::StackRecord* stack) {
  if (count == 0 || stack->count < count) {
    return false;
  }
  for (uint32_t i = 0; i < count; ++i) {
    if ((stack->frames[i] & trace::kFrameOffsetMask) != frames[i].offset ||
        BuildIdHead(static_cast<uint32_t>(stack->frames[i] >> trace::kFrameModuleShift)) !=
            frames[i].module) {
      return false;
    }
  }
  return true;
}

enum class Side { kOuter, kInner };

// The steps that have this stack on that side, a bit each.
uint64_t StepsAt(trace::Ref stack, Side side) {
  if (stack == 0) {
    return 0;
  }
  const uint64_t key = MixBits(uint64_t{stack} << 1 | static_cast<uint64_t>(side)) | 1;
  uint64_t mask = g_image->plan_steps.Find(key);
  if (mask == 0) {
    const auto* record = g_trace.At<trace::StackRecord>(stack);
    for (uint32_t s = 0; s < g_plan->step_count; ++s) {
      const trace::PlanStep& step = Steps()[s];
      const bool match = side == Side::kOuter ? FramesMatch(step.outer, step.outer_count, record)
                                              : FramesMatch(step.inner, step.inner_count, record);
      mask |= match ? uint64_t{1} << s : 0;
    }
    mask |= kComputed;
    g_image->plan_steps.Put(&g_image->arena, key, mask);
  }
  return mask & ~kComputed;
}

// Cheap and good enough to choose pauses (xorshift64).
uint64_t Random(Thread* thread) {
  uint64_t x = thread->random;
  if (x == 0) {
    x = MixBits(g_plan->seed ^ MixBits(thread->ref)) | 1;
  }
  x ^= x << 13;
  x ^= x >> 7;
  x ^= x << 17;
  thread->random = x;
  return x;
}

// ---- steer
// ---------------------------------------------------------------------------------------------------------

// Looks for parked threads that lead from the lock `wanted` to the lock `target`, one for each of the cycle's
// steps that is not in `used`. Marks them in `chain`. REQUIRES: the list is locked.
bool Complete(uint32_t cycle, uint32_t missing, uint64_t used, trace::Ref wanted, trace::Ref target,
              Parked** chain) {
  if (missing == 0) {
    return wanted == target;
  }
  for (Parked* other = g_image->parked; other != nullptr; other = other->next) {
    if (other->cycle != cycle || other->held != wanted) {
      continue;
    }
    for (uint64_t free = other->steps & ~used; free != 0; free &= free - 1) {
      chain[missing - 1] = other;
      if (Complete(cycle, missing - 1, used | (free & -free), other->wanted, target, chain)) {
        return true;
      }
    }
  }
  return false;
}

void Unlink(Parked* parked) {
  for (Parked** link = &g_image->parked; *link != nullptr; link = &(*link)->next) {
    if (*link == parked) {
      *link = parked->next;
      return;
    }
  }
}

uint64_t CountParked(uint32_t cycle) {
  uint64_t count = 0;
  for (const Parked* parked = g_image->parked; parked != nullptr; parked = parked->next) {
    count += parked->cycle == cycle ? 1 : 0;
  }
  return count;
}

// Lets everybody go of whose step `self` is the last. REQUIRES: the list is locked.
bool Release(const Parked& self, uint32_t steps) {
  Parked* chain[trace::kMostPlanSteps];
  for (uint64_t own = self.steps; own != 0; own &= own - 1) {
    if (!Complete(self.cycle, steps - 1, own & -own, self.wanted, self.held, chain)) {
      continue;
    }
    for (uint32_t i = 0; i + 1 < steps; ++i) {
      Unlink(chain[i]);
      __atomic_store_n(&chain[i]->go, 1, __ATOMIC_RELEASE);
      Wake(&chain[i]->go);  // its frame stays until it gets the list's lock
    }
    return true;
  }
  return false;
}

// Stands before its step until all threads of its cycle do, or the pause is over.
void Park(Thread* thread, Parked* self, uint32_t steps) {
  trace::Counters* counters = &g_trace.header()->counters;
  {
    SpinGuard guard(&g_image->parked_lock);
    if (Release(*self, steps)) {
      ++counters->cycles_met;
      counters->most_together = steps;
      return;
    }
    if (thread->vain_pauses >= kVainPauses ||
        thread->vain_pauses * g_plan->pause_ms * kMillisecond >= kMostVainNs) {
      return;
    }
    self->next = g_image->parked;
    g_image->parked = self;
    ++counters->pauses;
    const uint64_t together = CountParked(self->cycle);
    if (together < steps && together > counters->most_together) {
      counters->most_together = together;
    }
  }
  WaitWhile(&self->go, 0, NowNs() + g_plan->pause_ms * kMillisecond);
  SpinGuard guard(&g_image->parked_lock);
  if (self->go == 0) {
    Unlink(self);
    ++thread->vain_pauses;
  }
}

// A thread that holds a lock from the outer place of a step and stands at its inner place.
void Steer(Thread* thread, trace::Ref lock, trace::Ref stack) {
  const uint64_t inner = StepsAt(stack, Side::kInner);
  if (inner == 0) {
    return;
  }
  for (uint32_t i = 0; i < thread->own_slot->held_count; ++i) {
    const trace::HeldEntry& entry = thread->held[i];
    const uint64_t both = inner & StepsAt(entry.lock == lock ? 0 : entry.stack, Side::kOuter);
    if (entry.lock == 0 || both == 0) {
      continue;
    }
    const trace::PlanStep& first = Steps()[__builtin_ctzll(both)];
    Parked self{nullptr, first.cycle, 0, entry.lock, lock, 0};
    for (uint64_t rest = both; rest != 0; rest &= rest - 1) {
      const trace::PlanStep& step = Steps()[__builtin_ctzll(rest)];
      self.steps |= step.cycle == first.cycle ? uint64_t{1} << step.step : 0;
    }
    Park(thread, &self, first.steps);
    return;
  }
}

// ---- avoid
// ---------------------------------------------------------------------------------------------------------

// One thread at a time between the outer acquisition and its release; who waits too long goes on without.
void Avoid(Thread* thread, trace::Ref stack) {
  for (uint64_t outer = StepsAt(stack, Side::kOuter); outer != 0; outer &= outer - 1) {
    const uint32_t cycle = Steps()[__builtin_ctzll(outer)].cycle;
    const uint64_t bit = uint64_t{1} << cycle;
    if ((thread->gates & bit) != 0) {
      continue;
    }
    uint32_t* gate = &g_image->gates[cycle];
    const uint64_t end_ns = NowNs() + g_plan->pause_ms * kMillisecond;
    bool waited = false;
    for (;;) {
      uint32_t free = 0;
      if (__atomic_compare_exchange_n(gate, &free, 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
        thread->gates |= bit;
        break;
      }
      if (NowNs() >= end_ns) {
        break;
      }
      waited = true;
      WaitWhile(gate, 1, end_ns);
    }
    if (waited) {
      __atomic_fetch_add(&g_trace.header()->counters.avoided, 1, __ATOMIC_RELAXED);
    }
  }
}

}  // namespace

void LoadPlan(const char* path) {
  const auto fd =
      static_cast<int>(RawSyscall(SYS_openat, AT_FDCWD, ToRaw(path), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (fd < 0) {
    return;
  }
  const long bytes = RawSyscall(SYS_lseek, fd, 0, SEEK_END);
  if (bytes >= static_cast<long>(sizeof(trace::PlanHeader)) &&
      bytes <= static_cast<long>(trace::kMostPlanBytes)) {
    const long address = RawSyscall(SYS_mmap, 0, bytes, PROT_READ, MAP_PRIVATE, fd, 0);
    const auto* header = reinterpret_cast<const trace::PlanHeader*>(address);
    if (address > 0 && memcmp(header->magic, trace::kPlanMagic, sizeof(trace::kPlanMagic)) == 0 &&
        header->version == trace::kPlanVersion &&
        sizeof(*header) + header->step_count * sizeof(trace::PlanStep) == static_cast<size_t>(bytes)) {
      g_plan = header;
    }
  }
  RawSyscall(SYS_close, fd);
}

void BeforeThread(Thread* thread) {
  // Who begins late meets others at places at which they would long have been.
  const uint64_t random = Asks(trace::kDisturb) ? Random(thread) : 0;
  if ((random >> 40) % 2 == 1) {
    const uint64_t longest_ns = Asks(trace::kSteer) ? g_plan->pause_ms * kMillisecond / 2 : 2 * kMillisecond;
    SleepNs((random >> 50) % 4 * longest_ns / 3);
  }
}

void BeforeAnything(Thread* thread) {
  if (!Asks(trace::kDisturb) || thread->disturbed_ns > kMostDisturbance) {
    return;
  }
  // Threads have priorities, drawn anew now and then: one of low priority is held back often, so that others
  // overtake it (after "A Randomized Scheduler with Probabilistic Guarantees of Finding Bugs", ASPLOS 2010).
  const uint64_t random = Random(thread);
  if (random % 61 == 0) {
    thread->low_priority = !thread->low_priority;
  }
  const uint64_t rarely = thread->low_priority ? 3 : 29;
  if ((random >> 8) % rarely == 0) {
    const uint64_t pause_ns = 10'000 + (random >> 20) % (thread->low_priority ? 1'000'000 : 100'000);
    thread->disturbed_ns += pause_ns;
    SleepNs(pause_ns);
  }
}

void BeforeAcquire(Thread* thread, trace::Ref lock, trace::Ref stack) {
  if (Asks(trace::kSteer)) {
    Steer(thread, lock, stack);
  }
  if (Asks(trace::kAvoid)) {
    Avoid(thread, stack);
  }
}

void AfterRelease(Thread* thread) {
  if (thread->gates == 0) {
    return;
  }
  uint64_t still = 0;
  for (uint32_t i = 0; i < thread->own_slot->held_count; ++i) {
    for (uint64_t outer = StepsAt(thread->held[i].stack, Side::kOuter); outer != 0; outer &= outer - 1) {
      still |= uint64_t{1} << Steps()[__builtin_ctzll(outer)].cycle;
    }
  }
  for (uint64_t open = thread->gates & ~still; open != 0; open &= open - 1) {
    uint32_t* gate = &g_image->gates[__builtin_ctzll(open)];
    __atomic_store_n(gate, 0, __ATOMIC_RELEASE);
    Wake(gate);
  }
  thread->gates &= still;
}

}  // namespace gordian::record
