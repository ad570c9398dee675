#include "libsync/record/plan.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <sys/mman.h>

#include <cstring>

#include "libsync/record/raw.h"
#include "libsync/record/scripts.h"
#include "libsync/record/spin_lock.h"
#include "libsync/record/stack.h"

namespace gordian::record {

trace::PlanHeader* g_plan = nullptr;

namespace {

constexpr uint64_t kMillisecond = 1'000'000;
// A thread that was held back in vain this often at one step runs on: it may be a step that nobody ever
// meets.
constexpr uint32_t kVainPauses = 24;
constexpr uint64_t kMostVainNs = 6'000 * kMillisecond;
constexpr uint64_t kMostDisturbance = 5'000 * kMillisecond;
// The list of those who stand is kept for microseconds: for as long as this, by somebody who is gone.
constexpr uint64_t kListKeptNs = 50 * kMillisecond;
// A thread in a condition wait stands for as long as it waits, and for this at most.
constexpr uint64_t kLongestWaitNs = 600'000 * kMillisecond;
// What a writer needs to queue before the reader comes that shall find it there.
constexpr uint64_t kQueueingNs = 20 * kMillisecond;
// How often who waits at a gate looks whether the one inside still lives.
constexpr uint64_t kGateLookNs = 100 * kMillisecond;
// A search among many who do the same may take long.
constexpr int kMostLooks = 10'000;
// Marks a mask in the table of stacks as computed.
constexpr uint64_t kComputed = uint64_t{1} << 63;

const trace::PlanStep* Steps() { return reinterpret_cast<const trace::PlanStep*>(g_plan + 1); }
trace::PlanStanding* AllStanding() {
  return reinterpret_cast<trace::PlanStanding*>(reinterpret_cast<trace::PlanStep*>(g_plan + 1) +
                                                g_plan->step_count);
}
uint32_t CountBits(uint64_t mask) { return static_cast<uint32_t>(__builtin_popcountll(mask)); }

bool Asks(trace::PlanWish wish) { return (g_plan->wishes & wish) != 0 && !g_no_syscalls; }

void SleepNs(uint64_t ns) {
  const timespec time{static_cast<time_t>(ns / 1'000'000'000), static_cast<long>(ns % 1'000'000'000)};
  RawSyscall(SYS_nanosleep, ToRaw(&time));
}

// Until *word is no longer `value`, at most until `end_ns`. The word may lie in memory of several processes.
void WaitWhile(uint32_t* word, uint32_t value, uint64_t end_ns) {
  const timespec end{static_cast<time_t>(end_ns / 1'000'000'000), static_cast<long>(end_ns % 1'000'000'000)};
  while (__atomic_load_n(word, __ATOMIC_ACQUIRE) == value && NowNs() < end_ns) {
    RawSyscall(SYS_futex, ToRaw(word), FUTEX_WAIT_BITSET, value, ToRaw(&end), 0, FUTEX_BITSET_MATCH_ANY);
  }
}

void Wake(uint32_t* word) { RawSyscall(SYS_futex, ToRaw(word), FUTEX_WAKE, INT32_MAX); }

bool IsScript(uint64_t frame) { return frame >> trace::kFrameModuleShift == trace::kScriptSerial; }

trace::PlanFrame Planned(uint64_t frame) {
  return IsScript(frame)
             ? PlannedScript(frame)
             : trace::PlanFrame{BuildIdHead(static_cast<uint32_t>(frame >> trace::kFrameModuleShift)),
                                frame & trace::kFrameOffsetMask};
}

bool FramesMatch(const trace::PlanFrame* frames, uint32_t count, const trace::StackRecord* stack) {
  bool has_scripts = false;
  for (uint32_t i = 0; i < stack->count; ++i) {
    has_scripts = has_scripts || IsScript(stack->frames[i]);
  }
  uint32_t matched = 0;
  for (uint32_t i = 0; i < stack->count && matched < count; ++i) {
    if (has_scripts && !IsScript(stack->frames[i])) {
      continue;
    }
    const trace::PlanFrame place = Planned(stack->frames[i]);
    if (place.offset != frames[matched].offset || place.module != frames[matched].module) {
      return false;
    }
    ++matched;
  }
  return count != 0 && matched == count;
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

// Numbers that mean the same lock, thread or process in all processes of the run.
uint64_t NumberOfLock(trace::Ref lock) {
  const auto* record = g_trace.At<trace::LockRecord>(lock);
  if (record->shared == 0) {
    return MixBits(g_image->nonce ^ lock) | 1;
  }
  const auto* shared = g_trace.At<trace::SharedRecord>(record->shared);
  // Ranges of a file may overlap without being the same.
  const uint64_t offset =
      shared->space == static_cast<uint32_t>(trace::SharedSpace::kFile) ? 0 : shared->offset;
  return MixBits(MixBits(MixBits(shared->device + shared->space) ^ shared->inode) + offset) | 1;
}
uint64_t NumberOfThread(trace::Ref thread) { return MixBits(~g_image->nonce ^ thread) | 1; }
uint64_t NumberOfProcess(int32_t pid) { return MixBits(~static_cast<uint64_t>(pid)) | 1; }

// The list of all who stand, of all processes. Whoever cannot get it does without.
class ListGuard {
 public:
  ListGuard() {
    const uint64_t begin_ns = NowNs();
    for (uint64_t now = begin_ns; now - begin_ns < 4 * kListKeptNs; now = NowNs()) {
      uint64_t taken = 0;
      if (__atomic_compare_exchange_n(&g_plan->list_taken_ns, &taken, now, false, __ATOMIC_ACQUIRE,
                                      __ATOMIC_RELAXED) ||
          (now > taken + kListKeptNs &&
           __atomic_compare_exchange_n(&g_plan->list_taken_ns, &taken, now, false, __ATOMIC_ACQUIRE,
                                       __ATOMIC_RELAXED))) {
        taken_ns_ = now;
        return;
      }
      RawSyscall(SYS_sched_yield);
    }
  }
  ~ListGuard() {
    uint64_t mine = taken_ns_;
    if (mine != 0) {
      __atomic_compare_exchange_n(&g_plan->list_taken_ns, &mine, uint64_t{0}, false, __ATOMIC_RELEASE,
                                  __ATOMIC_RELAXED);
    }
  }
  ListGuard(const ListGuard&) = delete;
  ListGuard& operator=(const ListGuard&) = delete;
  explicit operator bool() const { return taken_ns_ != 0; }

 private:
  uint64_t taken_ns_ = 0;
};

// Calls visit(standing) for everybody who stands at a step of the cycle. REQUIRES: the list is taken.
template <typename Visit>
void ForEachStanding(uint32_t cycle, uint64_t now_ns, Visit visit) {
  trace::PlanStanding* all = AllStanding();
  for (uint32_t i = 0; i < trace::kMostStanding; ++i) {
    if (all[i].end_ns > now_ns && all[i].cycle == cycle && all[i].go == 0) {
      visit(&all[i]);
    }
  }
}

// The steps of a cycle that have one of the roles.
template <typename... Roles>
uint64_t StepsWith(uint32_t cycle, Roles... roles) {
  uint64_t mask = 0;
  for (uint32_t s = 0; s < g_plan->step_count; ++s) {
    const trace::PlanStep& step = Steps()[s];
    mask |= step.cycle == cycle && ((step.role == roles) || ...) ? uint64_t{1} << step.step : 0;
  }
  return mask;
}

// Who can go together: each wants what the next one has, and between two readers queues a writer.
class Meeting {
 public:
  Meeting(uint32_t cycle, uint64_t now_ns)
      : cycle_(cycle),
        now_ns_(now_ns),
        writers_(StepsWith(cycle, trace::PlanRole::kQueues)),
        ring_(StepsWith(cycle, trace::PlanRole::kHolds, trace::PlanRole::kThreadEnd,
                        trace::PlanRole::kProcessEnd, trace::PlanRole::kReacquires)) {}

  // Looks for one among those who stand, and lets all of it go.
  bool Begin() {
    bool begun = false;
    ForEachStanding(cycle_, now_ns_, [&](trace::PlanStanding* first) {
      for (uint64_t own = first->steps & ring_; own != 0 && !begun; own &= own - 1) {
        count_ = 0;
        begun = Join(first, own & -own, first->has) && AreAlive();
      }
    });
    if (begun) {
      LetGo();
    }
    return begun;
  }

  // How many steps are stood at.
  uint32_t Together() const {
    uint64_t steps = 0;
    uint32_t threads = 0;
    ForEachStanding(cycle_, now_ns_, [&](const trace::PlanStanding* standing) {
      steps |= standing->steps;
      threads += standing->steps != 0 ? 1 : 0;
    });
    return CountBits(steps) < threads ? CountBits(steps) : threads;
  }

 private:
  // `used`: the steps that are taken, this one's included. `target`: what the last one must want.
  bool Join(trace::PlanStanding* standing, uint64_t used, uint64_t target) {
    chosen_[count_++] = standing;
    if (used == ring_) {
      if (standing->wants == target && FindWriters(writers_)) {
        return true;
      }
    } else {
      bool found = false;
      ForEachStanding(cycle_, now_ns_, [&](trace::PlanStanding* other) {
        if (other->has != standing->wants) {
          return;
        }
        for (uint64_t free = other->steps & ring_ & ~used; free != 0 && !found && ++looks_ < kMostLooks;
             free &= free - 1) {
          found = Join(other, used | (free & -free), target);
        }
      });
      if (found) {
        return true;
      }
    }
    --count_;
    return false;
  }

  // A writer for each of the steps that wants what one of the ring wants.
  bool FindWriters(uint64_t missing) {
    const uint32_t ring_count = count_;
    for (; missing != 0; missing &= missing - 1) {
      const uint32_t count = count_;
      ForEachStanding(cycle_, now_ns_, [&](trace::PlanStanding* writer) {
        for (uint32_t i = 0; i < ring_count && count_ == count; ++i) {
          if ((writer->steps & missing & -missing) != 0 && writer->wants == chosen_[i]->wants) {
            chosen_[count_++] = writer;
          }
        }
      });
      if (count_ == count) {
        count_ = ring_count;
        return false;
      }
    }
    return true;
  }

  // Who was killed, or replaced by an exec, left its place as it was.
  bool AreAlive() const {
    bool alive = true;
    for (uint32_t i = 0; i < count_; ++i) {
      trace::PlanStanding* standing = chosen_[i];
      if (RawSyscall(SYS_tgkill, standing->pid, standing->tid, 0) == -ESRCH) {
        standing->end_ns = 0;
        alive = false;
      }
    }
    return alive;
  }

  // Writers go first, where there are any.
  void LetGo() {
    for (uint32_t i = 0; i < count_; ++i) {
      trace::PlanStanding* standing = chosen_[i];
      standing->go_ns = writers_ != 0 && (standing->steps & writers_) == 0 ? now_ns_ + kQueueingNs : 0;
      __atomic_store_n(&standing->go, 1, __ATOMIC_RELEASE);
      Wake(&standing->go);
    }
  }

  const uint32_t cycle_;
  const uint64_t now_ns_;
  const uint64_t writers_;
  const uint64_t ring_;
  trace::PlanStanding* chosen_[trace::kMostPlanSteps + 1];
  uint32_t count_ = 0;
  int looks_ = 0;
};

// Takes a place in the list. Null: there is none. REQUIRES: the list is taken.
trace::PlanStanding* TakePlace(const trace::PlanStanding& self, uint64_t now_ns) {
  trace::PlanStanding* all = AllStanding();
  for (uint32_t i = 0; i < trace::kMostStanding; ++i) {
    if (all[i].end_ns + kListKeptNs < now_ns) {
      all[i] = self;
      return &all[i];
    }
  }
  return nullptr;
}

bool IsMine(const trace::PlanStanding* place, const trace::PlanStanding& self) {
  return place->tid == self.tid && place->pid == self.pid && place->end_ns == self.end_ns;
}

bool HasPausedEnough(const Thread* thread) {
  return thread->vain_pauses >= kVainPauses ||
         thread->vain_pauses * g_plan->pause_ms * kMillisecond >= kMostVainNs;
}

// Stands before its step until all threads of its cycle do, or the pause is over.
void Stand(Thread* thread, trace::PlanStanding self) {
  trace::Counters* counters = &g_trace.header()->counters;
  const uint64_t now_ns = NowNs();
  trace::PlanStanding* place = nullptr;
  self.end_ns = now_ns + g_plan->pause_ms * kMillisecond;
  self.pid = RawGetpid();
  self.tid = OwnTid();
  {
    const ListGuard list;
    place = list ? TakePlace(self, now_ns) : nullptr;
    if (place == nullptr) {
      return;
    }
    Meeting meeting(self.cycle, now_ns);
    if (meeting.Begin()) {
      ++counters->cycles_met;
      counters->most_together = CountBits(StepsWith(self.cycle, trace::PlanRole::kHolds,
                                                    trace::PlanRole::kThreadEnd, trace::PlanRole::kProcessEnd,
                                                    trace::PlanRole::kReacquires, trace::PlanRole::kQueues));
    } else if (HasPausedEnough(thread)) {
      place->end_ns = 0;
      return;
    } else {
      ++counters->pauses;
      const uint64_t together = meeting.Together();
      counters->most_together = together > counters->most_together ? together : counters->most_together;
    }
  }
  WaitWhile(&place->go, 0, self.end_ns);
  if (!IsMine(place, self)) {
    return;  // it was long over: somebody else has the place
  }
  const bool met = __atomic_load_n(&place->go, __ATOMIC_ACQUIRE) != 0;
  const uint64_t go_ns = place->go_ns;
  __atomic_store_n(&place->end_ns, 0, __ATOMIC_RELEASE);
  if (!met) {
    ++thread->vain_pauses;
  } else if (const uint64_t now = NowNs(); go_ns > now) {
    SleepNs(go_ns - now < kQueueingNs ? go_ns - now : kQueueingNs);
  }
}

// What the thread brings to the step, as a number; 0: nothing. `lock` is the one that it goes to wait for.
uint64_t BroughtTo(const Thread* thread, uint32_t step, trace::Ref lock) {
  switch (Steps()[step].role) {
    case trace::PlanRole::kThreadEnd:
      return NumberOfThread(thread->ref);
    case trace::PlanRole::kProcessEnd:
      return NumberOfProcess(RawGetpid());
    case trace::PlanRole::kQueues:
      return 0;
    case trace::PlanRole::kHolds:
    case trace::PlanRole::kReacquires:
      break;
  }
  for (uint32_t i = 0; i < thread->own_slot->held_count; ++i) {
    const trace::HeldEntry& entry = thread->held[i];
    if (entry.lock != 0 && entry.lock != lock &&
        (StepsAt(entry.stack, Side::kOuter) & uint64_t{1} << step) != 0) {
      return NumberOfLock(entry.lock);
    }
  }
  return 0;
}

// The thread is at a place at which it may be a step: as which, of the first cycle that it brings something
// to. False: as none.
bool FindStep(const Thread* thread, trace::Ref lock, trace::Ref stack, trace::PlanStanding* self) {
  bool found = false;
  for (uint64_t inner = StepsAt(stack, Side::kInner); inner != 0; inner &= inner - 1) {
    const auto index = static_cast<uint32_t>(__builtin_ctzll(inner));
    const trace::PlanStep& step = Steps()[index];
    const uint64_t has = BroughtTo(thread, index, lock);
    if (has == 0 && step.role != trace::PlanRole::kQueues) {
      continue;
    }
    if (!found) {
      found = true;
      self->cycle = step.cycle;
      self->has = has;
    }
    if (step.cycle == self->cycle && has == self->has) {
      self->steps |= uint64_t{1} << step.step;
    }
  }
  return found;
}

void Steer(Thread* thread, trace::Ref lock, uint64_t wants, trace::Ref stack) {
  trace::PlanStanding self{};
  self.wants = wants;
  if (FindStep(thread, lock, stack, &self)) {
    Stand(thread, self);
  }
}

// Whoever takes the mutex of a condition before its waiter waits would keep the waiter from ever getting
// there: it is held back before its outer lock until the waiter stands.
void LetWaitersPass(Thread* thread, trace::Ref stack) {
  for (uint64_t outer = StepsAt(stack, Side::kOuter); outer != 0; outer &= outer - 1) {
    const trace::PlanStep& step = Steps()[__builtin_ctzll(outer)];
    const uint64_t waiters = StepsWith(step.cycle, trace::PlanRole::kReacquires);
    if (waiters == 0 || step.role != trace::PlanRole::kHolds) {
      continue;
    }
    bool stands = false;
    ForEachStanding(step.cycle, NowNs(), [&](const trace::PlanStanding* standing) {
      stands = stands || (standing->steps & waiters) != 0;
    });
    if (!stands && !HasPausedEnough(thread)) {
      trace::PlanStanding self{};  // at no step yet
      self.cycle = step.cycle;
      Stand(thread, self);
      return;
    }
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
    uint32_t* gate = &g_plan->gates[cycle];
    const auto self = static_cast<uint32_t>(OwnTid());
    const uint64_t end_ns = NowNs() + g_plan->pause_ms * kMillisecond;
    bool waited = false;
    for (uint64_t now = NowNs();; now = NowNs()) {
      uint32_t inside = 0;
      // Whoever ended inside, or was killed, has left it for good.
      if (__atomic_compare_exchange_n(gate, &inside, self, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED) ||
          (RawSyscall(SYS_tkill, inside, 0) == -ESRCH &&
           __atomic_compare_exchange_n(gate, &inside, self, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))) {
        thread->gates |= bit;
        break;
      }
      if (now >= end_ns) {
        break;
      }
      waited = true;
      WaitWhile(gate, inside, now + kGateLookNs < end_ns ? now + kGateLookNs : end_ns);
    }
    if (waited) {
      __atomic_fetch_add(&g_trace.header()->counters.avoided, 1, __ATOMIC_RELAXED);
    }
  }
}

}  // namespace

void LoadPlan(const char* path) {
  int flags = MAP_SHARED;
  long fd = RawSyscall(SYS_openat, AT_FDCWD, ToRaw(path), O_RDWR | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) {
    flags = MAP_PRIVATE;  // another user's: it steers within this process
    fd = RawSyscall(SYS_openat, AT_FDCWD, ToRaw(path), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  }
  if (fd < 0) {
    return;
  }
  const long bytes = RawSyscall(SYS_lseek, fd, 0, SEEK_END);
  if (bytes >= static_cast<long>(trace::PlanBytes(0)) && bytes <= static_cast<long>(trace::kMostPlanBytes)) {
    const long address = RawSyscall(SYS_mmap, 0, bytes, PROT_READ | PROT_WRITE, flags, fd, 0);
    auto* header = reinterpret_cast<trace::PlanHeader*>(address);
    if (address > 0 && memcmp(header->magic, trace::kPlanMagic, sizeof(trace::kPlanMagic)) == 0 &&
        header->version == trace::kPlanVersion &&
        trace::PlanBytes(header->step_count) == static_cast<uint64_t>(bytes)) {
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
    LetWaitersPass(thread, stack);
    Steer(thread, lock, NumberOfLock(lock), stack);
  }
  if (Asks(trace::kAvoid)) {
    Avoid(thread, stack);
  }
}

void BeforeJoin(Thread* thread, trace::Ref joinee, trace::Ref stack) {
  if (Asks(trace::kSteer)) {
    Steer(thread, 0, NumberOfThread(joinee), stack);
  }
}

void BeforeChildWait(Thread* thread, int32_t pid, trace::Ref stack) {
  if (Asks(trace::kSteer)) {
    Steer(thread, 0, NumberOfProcess(pid), stack);
  }
}

bool BeforeConditionWait(Thread* thread, trace::Ref mutex, trace::Ref stack) {
  trace::PlanStanding self{};
  if (!Asks(trace::kSteer) || !FindStep(thread, mutex, stack, &self)) {
    return false;
  }
  const uint64_t now_ns = NowNs();
  self.wants = NumberOfLock(mutex);
  self.end_ns = now_ns + kLongestWaitNs;
  self.pid = RawGetpid();
  self.tid = OwnTid();
  const ListGuard list;
  thread->standing = list ? TakePlace(self, now_ns) : nullptr;
  ForEachStanding(self.cycle, now_ns, [](trace::PlanStanding* other) {
    if (other->steps == 0) {
      __atomic_store_n(&other->go, 1, __ATOMIC_RELEASE);
      Wake(&other->go);
    }
  });
  return thread->standing != nullptr;
}

void BeforeReacquire(Thread* thread) {
  trace::PlanStanding* place = thread->standing;
  if (place == nullptr || place->tid != thread->own_slot->tid || HasPausedEnough(thread)) {
    return;
  }
  if (__atomic_load_n(&place->go, __ATOMIC_ACQUIRE) == 0) {
    ++g_trace.header()->counters.pauses;
    const uint64_t end_ns = NowNs() + g_plan->pause_ms * kMillisecond;
    __atomic_store_n(&place->end_ns, end_ns, __ATOMIC_RELEASE);
    WaitWhile(&place->go, 0, end_ns);
    if (__atomic_load_n(&place->go, __ATOMIC_ACQUIRE) == 0) {
      ++thread->vain_pauses;
    }
  }
}

void AfterConditionWait(Thread* thread) {
  trace::PlanStanding* place = thread->standing;
  thread->standing = nullptr;
  if (place != nullptr && place->tid == thread->own_slot->tid) {
    __atomic_store_n(&place->end_ns, 0, __ATOMIC_RELEASE);
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
    uint32_t* gate = &g_plan->gates[__builtin_ctzll(open)];
    auto self = static_cast<uint32_t>(OwnTid());
    __atomic_compare_exchange_n(gate, &self, 0u, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED);
    Wake(gate);
  }
  thread->gates &= still;
}

}  // namespace gordian::record
