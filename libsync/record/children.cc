#include "libsync/record/children.h"

#include <sys/mman.h>

#include <cstring>

#include "libsync/record/acquire.h"
#include "libsync/record/file_locks.h"
#include "libsync/record/locks.h"
#include "libsync/record/raw.h"

namespace gordian::record {
namespace {

// Memory for a handover must survive the fork, so it cannot come from the arena. One page a thread that ever
// forked with a lock held.
ForkHandover* HandoverMemory() {
  if (t_handover == nullptr && !g_no_syscalls) {
    const long memory = RawSyscall(SYS_mmap, 0, sizeof(ForkHandover), PROT_READ | PROT_WRITE,
                                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    t_handover = memory < 0 && memory > -4096 ? nullptr : reinterpret_cast<ForkHandover*>(memory);
  }
  return t_handover;
}

// The child has no copy of it: what its parent holds, it does not. Streams are unlocked by libc.
bool IsOneForBoth(const trace::LockRecord* lock) {
  return lock->shared != 0 || lock->kind == static_cast<uint8_t>(trace::LockKind::kNamedSemaphore) ||
         lock->kind == static_cast<uint8_t>(trace::LockKind::kSystemVSemaphore) ||
         lock->kind == static_cast<uint8_t>(trace::LockKind::kStream);
}

// libc begins a once anew in the child and unlocks the streams.
bool IsLeftBehind(const trace::LockRecord* lock) {
  return lock->kind != static_cast<uint8_t>(trace::LockKind::kOnce) &&
         lock->kind != static_cast<uint8_t>(trace::LockKind::kStream);
}

void HandOver(const Thread* thread) {
  const uint32_t count = thread->own_slot->held_count;
  ForkHandover* handover = count == 0 ? t_handover : HandoverMemory();
  if (handover == nullptr) {
    return;
  }
  handover->count = 0;
  for (uint32_t i = 0; i < count && handover->count < trace::kInlineHeld; ++i) {
    const trace::HeldEntry& entry = thread->held[i];
    const auto* lock = entry.lock == 0 ? nullptr : g_trace.At<trace::LockRecord>(entry.lock);
    if (lock == nullptr || IsFileLock(static_cast<trace::LockKind>(lock->kind)) || IsOneForBoth(lock)) {
      continue;
    }
    const uint32_t at = handover->count++;
    handover->addresses[at] = lock->address;
    handover->kinds[at] = lock->kind;
    handover->modes[at] = entry.mode;
    handover->depths[at] = entry.depth;
  }
}

uint32_t CountOthersHeld(const Thread* self) {
  uint32_t total = 0;
  ForEachThread([&](const Thread* other) {
    total += other == self ? 0 : __atomic_load_n(&other->own_slot->held_count, __ATOMIC_RELAXED);
  });
  return total;
}

// The holdings of all other threads; HeldEntry::acquisition says whose.
trace::Ref SnapshotOthers(const Thread* self) {
  const uint32_t room = CountOthersHeld(self);
  if (room == 0) {
    return 0;
  }
  trace::Ref ref = 0;
  auto* set = g_trace.Append<trace::HeldSetRecord>(trace::Type::kHeldSet,
                                                   (room - 1) * sizeof(trace::HeldEntry), &ref);
  if (set == nullptr) {
    return 0;
  }
  ForEachThread([&](const Thread* other) {
    const uint32_t count = __atomic_load_n(&other->own_slot->held_count, __ATOMIC_RELAXED);
    for (uint32_t i = 0; other != self && i < count && i < other->held_capacity && set->count < room; ++i) {
      trace::HeldEntry entry = other->held[i];
      if (entry.lock != 0 && IsLeftBehind(g_trace.At<trace::LockRecord>(entry.lock))) {
        KeepLock(g_trace.At<trace::LockRecord>(entry.lock));
        entry.acquisition = other->ref;
        set->held[set->count++] = entry;
      }
    }
  });
  g_trace.Commit(set, false);
  return ref;
}

}  // namespace

NewChild BeginChild(Thread* thread, trace::ChildHow how, const Site& site) {
  NewChild created{nullptr, 0};
  trace::ChildRecord* child = g_trace.Append<trace::ChildRecord>(trace::Type::kChild, 0, &created.ref);
  if (child == nullptr) {
    return created;
  }
  created.record = child;
  child->how = static_cast<uint8_t>(how);
  child->thread = thread->ref;
  child->segment = thread->own_slot->segment;
  child->stack = StackOf(thread, site);
  child->held = SnapshotHeld(thread);
  child->start_ns = NowNs();
  g_trace.Commit(child);
  return created;
}

void EndChild(const NewChild& child, int32_t pid) {
  if (child.record == nullptr) {
    return;
  }
  if (pid < 0) {
    child.record->flags |= trace::kCreateFailed;
    g_trace.Withdraw(child.record);
    return;
  }
  NextEnforcedSegment(t_thread);
  if (pid > 0) {
    child.record->pid = pid;
    g_image->children.Put(&g_image->arena, static_cast<uint64_t>(pid), child.ref);
  }
}

void BeforeFork(Thread* thread, trace::ChildRecord* child) {
  HandOver(thread);
  ShareFileLocks();
  if (child != nullptr) {
    child->others_held = SnapshotOthers(thread);
  }
}

void AfterForkInParent() {
  // A child that no handler sees (a raw clone) must not find this later.
  if (t_handover != nullptr) {
    t_handover->count = 0;
  }
}

void AfterForkInChild(trace::ChildRecord* child) {
  t_inside = false;
  t_spin_count = 0;
  t_thread = &g_no_thread;
  g_lineage.own_child_record = child;
  if (child != nullptr && !g_no_syscalls) {
    child->pid = RawGetpid();
  }
}

void ForgiveRenewedLocks() {
  const trace::ChildRecord* own = g_lineage.own_child_record;
  if (own == nullptr || own->others_held == 0 || g_no_syscalls) {
    return;
  }
  // A handler may have begun the child's own trace already.
  const TraceFile& parent = IsReady() ? g_lineage.ancestors[g_lineage.count - 1].trace : g_trace;
  auto* set = parent.At<trace::HeldSetRecord>(own->others_held);
  for (uint32_t i = 0; i < set->count; ++i) {
    const trace::Ref lock = set->held[i].lock;
    const auto* record = lock == 0 ? nullptr : parent.At<trace::LockRecord>(lock);
    if (record == nullptr || record->shared != 0) {
      continue;
    }
    const ObjectFacts object =
        FactsAt(reinterpret_cast<void*>(record->address), static_cast<trace::LockKind>(record->kind));
    if (object.address != nullptr && !object.locked) {
      __atomic_store_n(&set->held[i].lock, 0u, __ATOMIC_RELAXED);
    }
  }
}

trace::Ref FindChild(int32_t pid) {
  return static_cast<trace::Ref>(g_image->children.Find(static_cast<uint64_t>(pid)));
}

namespace {

void EndOf(trace::ChildRecord* child, Thread* reaper) {
  child->reap_ns = NowNs();
  child->reap_held = SnapshotHeld(reaper);
  child->reap_segment = NextEnforcedSegment(reaper);
  child->reaper = reaper->ref;
}

}  // namespace

void RecordReapedInside(Thread* thread, const NewChild& child) {
  if (child.record != nullptr) {
    EndOf(child.record, thread);
  }
}

void RecordReaped(Thread* thread, int32_t pid, int32_t status) {
  const trace::Ref ref = FindChild(pid);
  if (ref == 0) {
    return;
  }
  auto* child = g_trace.At<trace::ChildRecord>(ref);
  child->reap_status = status;
  EndOf(child, thread);
  __atomic_fetch_or(&child->flags, trace::kReaped, __ATOMIC_RELEASE);
  g_image->children.Clear(static_cast<uint64_t>(pid));
}

void KeepPath(trace::ChildRecord* record, const char* path) {
  const long bytes = record == nullptr || path == nullptr ? -1 : ReadableMemory().LengthOf(path);
  if (bytes < 0) {
    return;
  }
  const auto room = static_cast<long>(sizeof(record->exec_path)) - 1;
  const char* end = bytes > room ? path + (bytes - room) : path;
  memcpy(record->exec_path, end, static_cast<size_t>(path + bytes + 1 - end));
}

void RecordExec(const char* path) {
  if (trace::ChildRecord* own = g_lineage.own_child_record; own != nullptr) {
    KeepPath(own, path);
    __atomic_fetch_or(&own->flags, trace::kExecd, __ATOMIC_RELAXED);
  }
  if (IsReady()) {
    RecordEnd(trace::End::kExec, g_trace.header()->image + 1, t_thread->ref, 0);
  }
}

void RecordExecFailed() {
  if (trace::ChildRecord* own = g_lineage.own_child_record; own != nullptr) {
    __atomic_fetch_and(&own->flags, static_cast<uint8_t>(~trace::kExecd), __ATOMIC_RELAXED);
  }
  if (IsReady()) {
    RecordEnd(trace::End::kNone, 0, 0, 0);
  }
}

void MarkOwnChildRecord(trace::ChildFlags flag) {
  if (trace::ChildRecord* own = g_lineage.own_child_record; own != nullptr) {
    __atomic_fetch_or(&own->flags, static_cast<uint8_t>(flag), __ATOMIC_RELAXED);
  }
}

}  // namespace gordian::record
