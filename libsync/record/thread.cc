#include "libsync/record/thread.h"

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <cstring>

#include "libsync/record/acquire.h"
#include "libsync/record/channels.h"
#include "libsync/record/file_locks.h"
#include "libsync/record/holdings.h"
#include "libsync/record/libc_facts.h"
#include "libsync/record/once.h"
#include "libsync/record/plan.h"
#include "libsync/record/profile.h"
#include "libsync/record/raw.h"

// The highest address of the main thread's stack, kept by the dynamic linker.
extern "C" void* __libc_stack_end;

namespace gordian::record {

constinit Thread g_no_thread{};
__attribute__((tls_model("initial-exec"))) thread_local constinit Thread* t_thread = &g_no_thread;
__attribute__((tls_model("initial-exec"))) thread_local constinit bool t_inside = false;
__attribute__((tls_model("initial-exec"))) thread_local constinit int t_vfork_depth = 0;
__attribute__((tls_model("initial-exec"))) thread_local constinit ForkHandover* t_handover = nullptr;

namespace {

// A resolver (IFUNC) of the program may call hooks while the program is being relocated: the loader gives the
// thread its initial values only after that. Ours runs once this library is relocated, which is before.
void Nothing() {}
extern "C" __attribute__((used)) void (*gordian_begin_early())() {
  t_thread = &g_no_thread;
  return &Nothing;
}
void BeginEarly() __attribute__((ifunc("gordian_begin_early")));
__attribute__((used)) void (*const kBeginEarly)() = &BeginEarly;

// With a plan, and where holdings or waits are timed or looked for at each free, every call goes the slow
// way.
void OpenFastPaths(Thread* thread) {
  const bool is_slow =
      g_plan != nullptr || g_config.times_holds || g_config.times_waits || g_config.checks_free;
  trace::SlotRecord* slot = is_slow || thread->relearns || !IsReady() ? nullptr : thread->own_slot;
  thread->slot = g_config.profiles ? nullptr : slot;
  thread->profiled_slot = g_config.profiles ? slot : nullptr;
}

bool IsGone(int32_t tid) { return !g_no_syscalls && RawSyscall(SYS_tgkill, RawGetpid(), tid, 0) == -ESRCH; }

void ReadName(trace::ThreadRecord* record) {
  if (!g_no_syscalls) {
    RawSyscall(SYS_prctl, PR_GET_NAME, ToRaw(record->name));
  }
}

// A Thread whose thread is over and left nothing behind, to be used again.
Thread* TakeEnded() {
  SpinGuard guard(&g_image->threads_lock);
  Thread** link = &g_image->ended_threads;
  Thread* previous = nullptr;
  // The oldest are gone first; a few looks are enough.
  for (int looks = 0; *link != nullptr && looks < 4; ++looks) {
    Thread* thread = *link;
    if ((thread->record->flags & trace::kJoined) != 0 || IsGone(thread->own_slot->tid)) {
      *link = thread->next_ended;
      if (g_image->ended_last == thread) {
        g_image->ended_last = previous;
      }
      if (thread->own_slot->held_count == 0) {
        return thread;
      }
      continue;  // it ended with a lock: its slot stays as the evidence
    }
    previous = thread;
    link = &thread->next_ended;
  }
  return nullptr;
}

void LinkSlot(trace::SlotRecord* slot, trace::Ref ref) {
  trace::Ref* first = &g_trace.header()->first_slot;
  slot->next = __atomic_load_n(first, __ATOMIC_RELAXED);
  while (!__atomic_compare_exchange_n(first, &slot->next, ref, true, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) {
  }
}

Thread* NewThreadState() {
  Thread* thread = static_cast<Thread*>(g_image->arena.Allocate(sizeof(Thread)));
  trace::Ref ref = 0;
  auto* slot =
      thread == nullptr ? nullptr : g_trace.AppendApart<trace::SlotRecord>(trace::Type::kSlot, 0, &ref);
  if (slot == nullptr) {
    return nullptr;
  }
  thread->own_slot = slot;
  thread->held = slot->held;
  thread->held_capacity = trace::kInlineHeld;
  if (g_config.times_holds) {
    thread->held_since =
        static_cast<uint64_t*>(g_image->arena.Allocate(sizeof(uint64_t) * trace::kInlineHeld));
  }
  if (g_config.profiles) {
    GrowProfiled(thread, trace::kInlineHeld);
  }
  LinkSlot(slot, ref);
  g_trace.Commit(slot, false);
  SpinGuard guard(&g_image->threads_lock);
  thread->next = g_image->all_threads;
  __atomic_store_n(&g_image->all_threads, thread, __ATOMIC_RELEASE);
  return thread;
}

void ResetThreadState(Thread* thread) {
  thread->slot = nullptr;
  thread->profiled_slot = nullptr;
  thread->segment_hash = 0;
  thread->enforced_segment = 0;
  thread->finished = false;
  thread->relearns = false;
  thread->vain_pauses = 0;
  thread->gates = 0;
  thread->random = 0;
  thread->disturbed_ns = 0;
  thread->order_mark = 0;
  thread->order_facts = 0;
  thread->next_ended = nullptr;
  memset(thread->cache, 0, sizeof(thread->cache));
  trace::SlotRecord* slot = thread->own_slot;
  ClearWait(slot);
  slot->segment = 0;
  slot->held_count = 0;
  slot->acquisitions = 0;
}

void FindStack(Thread* thread, bool main_thread, size_t stack_bytes) {
  if (main_thread) {
    rlimit limit{};
    limit.rlim_cur = RLIM_INFINITY;
    RawSyscall(SYS_prlimit64, 0, RLIMIT_STACK, 0, ToRaw(&limit));
    const uintptr_t bytes = limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur > (size_t{1} << 30)
                                ? size_t{64} << 20
                                : static_cast<uintptr_t>(limit.rlim_cur);
    thread->stack_high = reinterpret_cast<uintptr_t>(__libc_stack_end) + 4096;
    thread->stack_low = thread->stack_high - bytes;
  } else if (stack_bytes != 0) {
    // glibc puts the thread descriptor at the top of the stack's memory.
    thread->stack_high = (pthread_self() + kThreadDescriptorBytes) & ~uintptr_t{4095};
    thread->stack_low = thread->stack_high - stack_bytes + 2 * 4096;
  } else {
    thread->stack_high = thread->stack_low = 0;
  }
}

// What this thread held when it was forked it holds still, in its copy of the memory.
void TakeOver(Thread* thread) {
  ForkHandover* handover = t_handover;
  if (handover == nullptr) {
    return;
  }
  for (uint32_t i = 0; i < handover->count; ++i) {
    const auto kind = static_cast<trace::LockKind>(handover->kinds[i]);
    ObjectFacts object = FactsAt(reinterpret_cast<void*>(handover->addresses[i]), kind);
    if (object.address == nullptr) {
      continue;
    }
    object.owner = 0;  // held by us, not by a thread that is missing here
    const trace::Ref lock = ResolveLock(thread, object);
    if (lock != 0) {
      g_trace.At<trace::LockRecord>(lock)->flags |= trace::kInherited;
      Hold(thread, lock, 0, static_cast<trace::Mode>(handover->modes[i]));
      thread->held[thread->own_slot->held_count - 1].depth = handover->depths[i];
    }
  }
  handover->count = 0;
}

constinit size_t g_start_offset = 0;  // 0: unknown
constinit const void* g_start_routines[2]{};
// Its start routine was called, and what that was told may be gone.
__attribute__((tls_model("initial-exec"))) thread_local constinit bool t_has_begun = false;

// What the calling thread's start routine is going to be told, if that is one of ours; else null.
const AnnouncedThread* FindAnnounced() {
  if (g_start_offset == 0 || t_has_begun) {
    return nullptr;
  }
  const void* start[2];
  memcpy(start, reinterpret_cast<const char*>(pthread_self()) + g_start_offset, sizeof(start));
  if (start[0] != g_start_routines[0] && start[0] != g_start_routines[1]) {
    return nullptr;
  }
  const auto* announced = static_cast<const AnnouncedThread*>(start[1]);
  return IsReadable(announced, sizeof(*announced)) && announced->self == announced ? announced : nullptr;
}

// REQUIRES: inside the recorder, trace open.
Thread* Register(const AnnouncedThread* announced) {
  Thread* thread = TakeEnded();
  if (thread != nullptr) {
    ResetThreadState(thread);
  } else {
    thread = NewThreadState();
  }
  if (thread == nullptr) {
    return nullptr;
  }
  const int32_t tid = OwnTid();
  const bool main_thread = tid == g_trace.header()->pid;
  trace::ThreadRecord* record = announced == nullptr ? nullptr : announced->created.record;
  trace::Ref ref = announced == nullptr ? 0 : announced->created.ref;
  if (record == nullptr) {
    record = g_trace.Append<trace::ThreadRecord>(trace::Type::kThread, 0, &ref);
    if (record == nullptr) {
      return nullptr;
    }
    record->flags = main_thread ? trace::kMainThread : trace::kAdopted;
  }
  record->tid = tid;
  record->state = static_cast<uint32_t>(trace::ThreadState::kRunning);
  record->pthread = pthread_self();
  record->start_ns = NowNs();
  ReadName(record);
  g_trace.Commit(record);
  if (main_thread) {
    g_trace.header()->first_thread = ref;
  }
  g_image->pthreads.Put(&g_image->arena, record->pthread, ref);
  thread->record = record;
  thread->ref = ref;
  thread->tag_secret = g_image->nonce;
  thread->plain_secret = PlainSecret(g_image->nonce);
  FindStack(thread, main_thread, announced == nullptr ? 0 : announced->stack_bytes);
  thread->own_slot->tid = tid;
  __atomic_store_n(&thread->own_slot->thread, ref, __ATOMIC_RELEASE);
  TakeOver(thread);
  t_thread = thread;
  RecordTakenEarly(thread);
  return thread;
}

}  // namespace

Entry::Entry(Open open) : errno_(errno) {
  if (t_inside || !g_config.on || t_vfork_depth != 0) {
    return;
  }
  t_inside = true;
  if (IsReady() ? true : open == Open::kYes && EnsureOpen()) {
    thread_ = t_thread->own_slot != nullptr ? t_thread : Register(FindAnnounced());
  }
  if (thread_ == nullptr) {
    t_inside = false;
    return;
  }
  thread_->slot = nullptr;
  thread_->profiled_slot = nullptr;
  if (thread_->relearns) {
    thread_->relearns = false;
    memset(thread_->cache, 0, sizeof(thread_->cache));
  }
}

Entry::~Entry() {
  if (thread_ != nullptr) {
    OpenFastPaths(thread_);
    t_inside = false;
  }
  errno = errno_;
}

void LeaveByJump() {
  if (!t_inside) {
    return;
  }
  SwitchOff("a signal handler jumped out of the recorder");
  UnlockAllSpinLocks();
  t_inside = false;
}

void LeaveByCancellation() {
  if (!t_inside) {
    return;
  }
  if (t_spin_count != 0) {
    SwitchOff("a thread was cancelled inside the recorder");
    UnlockAllSpinLocks();
  }
  if (t_thread->own_slot != nullptr) {
    t_thread->own_slot->held_count = 0;
  }
  t_inside = false;
}

NewThread RecordThreadCreate(Thread* creator, Site site, bool detached) {
  NewThread created{nullptr, 0};
  auto* record = g_trace.Append<trace::ThreadRecord>(trace::Type::kThread, 0, &created.ref);
  if (record == nullptr) {
    return created;
  }
  created.record = record;
  record->state = static_cast<uint32_t>(trace::ThreadState::kRunning);
  record->flags = detached ? static_cast<uint32_t>(trace::kDetached) : 0;
  record->creator = creator->ref;
  record->creator_segment = creator->own_slot->segment;
  record->create_stack = StackOf(creator, site);
  record->create_held = SnapshotHeld(creator);
  record->start_ns = NowNs();
  g_trace.Commit(record);
  return created;
}

void KnowStartRoutines(size_t offset, const void* posix, const void* c11) {
  g_start_offset = offset;
  g_start_routines[0] = posix;
  g_start_routines[1] = c11;
}

void BeginThread(const AnnouncedThread& announced) {
  t_has_begun = true;
  if (t_inside || !IsReady()) {
    return;
  }
  t_inside = true;
  const NewThread& created = announced.created;
  const bool is_registered = t_thread->own_slot != nullptr && t_thread->record == created.record;
  Thread* thread = is_registered ? t_thread : Register(&announced);
  if (thread != nullptr) {
    OpenFastPaths(thread);
    if (g_plan != nullptr) {
      BeforeThread(thread);
    }
  } else if (created.record != nullptr) {
    g_trace.Withdraw(created.record);  // no room for it: nobody would ever say that it ended
  }
  t_inside = false;
}

void FinishThread(bool by_exit) {
  LeaveAllOnceRoutines();  // libc lets another thread begin them anew
  const Entry entry(Entry::Open::kOnlyIfOpen);
  if (!entry || entry->finished) {
    return;
  }
  Thread* thread = entry.thread();
  thread->finished = true;
  ClearWait(thread->own_slot);
  LeaveFileLocks(thread);
  ReadName(thread->record);
  thread->record->finish_ns = NowNs();
  RecordLastReading();
  if (by_exit) {
    thread->record->flags |= trace::kEndedByExit;
  }
  __atomic_store_n(&thread->record->state, static_cast<uint32_t>(trace::ThreadState::kFinished),
                   __ATOMIC_RELEASE);
  SpinGuard guard(&g_image->threads_lock);
  thread->next_ended = nullptr;
  (g_image->ended_last != nullptr ? g_image->ended_last->next_ended : g_image->ended_threads) = thread;
  g_image->ended_last = thread;
}

trace::Ref FindThread(pthread_t pthread) { return static_cast<trace::Ref>(g_image->pthreads.Find(pthread)); }

void RecordJoin(Thread* joiner, trace::Ref joinee) {
  auto* record = g_trace.At<trace::ThreadRecord>(joinee);
  record->joiner = joiner->ref;
  record->join_held = SnapshotHeld(joiner);
  record->joiner_segment = NextEnforcedSegment(joiner);
  __atomic_fetch_or(&record->flags, trace::kJoined, __ATOMIC_RELEASE);
}

void NameThread(const NewThread& created, pthread_t pthread) {
  if (created.ref != 0) {
    g_image->pthreads.Put(&g_image->arena, pthread, created.ref);
  }
}

void SetThreadFlag(trace::Ref thread, trace::ThreadFlags flag) {
  if (thread != 0) {
    __atomic_fetch_or(&g_trace.At<trace::ThreadRecord>(thread)->flags, flag, __ATOMIC_RELAXED);
  }
}

void SetThreadName(trace::Ref thread, const char* name) {
  if (thread != 0) {
    char* known = g_trace.At<trace::ThreadRecord>(thread)->name;
    std::strncpy(known, name, sizeof(trace::ThreadRecord::name) - 1);
  }
}

uint32_t NextEnforcedSegment(Thread* thread) { return thread->enforced_segment = NextSegment(thread); }

uint32_t NextSegment(Thread* thread) {
  const uint32_t segment = ++thread->own_slot->segment;
  ++thread->order_facts;
  thread->segment_hash = segment * 0xA0761D6478BD642Fu;
  return segment;
}

trace::Ref SnapshotHeld(const Thread* thread) {
  const uint32_t count = thread->own_slot->held_count;
  if (count == 0) {
    return 0;
  }
  trace::Ref ref = 0;
  auto* set = g_trace.Append<trace::HeldSetRecord>(trace::Type::kHeldSet,
                                                   (count - 1) * sizeof(trace::HeldEntry), &ref);
  if (set == nullptr) {
    return 0;
  }
  set->thread = thread->ref;
  set->count = count;
  memcpy(set->held, thread->held, count * sizeof(trace::HeldEntry));
  for (uint32_t i = 0; i < count; ++i) {
    if (set->held[i].lock != 0) {
      KeepLock(g_trace.At<trace::LockRecord>(set->held[i].lock));
    }
  }
  g_trace.Commit(set, false);
  return ref;
}

}  // namespace gordian::record
