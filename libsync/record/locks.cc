#include "libsync/record/locks.h"

#include "libsync/record/events.h"
#include "libsync/record/raw.h"
#include "libsync/record/system_v.h"
#include "libsync/record/text.h"
#include "libsync/record/thread.h"

namespace gordian::record {
namespace {

// Values of Image::locks: the record, whether facts refer to it, and whether its memory may go without it.
constexpr uint64_t kHasFacts = uint64_t{1} << 32;
constexpr uint64_t kIsTagged = uint64_t{1} << 33;

trace::Ref RefOf(uint64_t value) { return static_cast<trace::Ref>(value); }

TagClass ClassFor(trace::LockKind kind) {
  switch (kind) {
    case trace::LockKind::kMutex:
    case trace::LockKind::kErrorcheckMutex:
    case trace::LockKind::kAdaptiveMutex:
    case trace::LockKind::kRwlock:
      return kPlainTag;
    case trace::LockKind::kRecursiveMutex:
      return kRecursiveTag;
    default:
      return kOtherTag;
  }
}

bool IsMutex(trace::LockKind kind) { return kind <= trace::LockKind::kAdaptiveMutex; }

// A record without facts may stand for another object from now on.
void Recycle(trace::Ref ref) {
  auto* record = g_trace.At<trace::LockRecord>(ref);
  g_trace.Withdraw(record);
  SpinGuard guard(&g_image->free_locks_lock);
  record->name = g_image->free_locks;
  g_image->free_locks = ref;
}

trace::LockRecord* NewRecord(trace::Ref* ref) {
  {
    SpinGuard guard(&g_image->free_locks_lock);
    if (g_image->free_locks != 0) {
      *ref = g_image->free_locks;
      auto* record = g_trace.At<trace::LockRecord>(*ref);
      g_image->free_locks = record->name;
      const trace::RecordPrefix prefix = record->prefix;
      const auto generation = static_cast<uint16_t>(record->generation + 1);
      *record = trace::LockRecord{};
      record->prefix = prefix;
      record->generation = generation;
      return record;
    }
  }
  return g_trace.Append<trace::LockRecord>(trace::Type::kLock, 0, ref);
}

void Replace(uint64_t former) {
  if (RefOf(former) == 0) {
    return;
  }
  g_trace.At<trace::LockRecord>(RefOf(former))->flags |= trace::kRetired;
  if ((former & kIsTagged) == 0) {
    __atomic_fetch_sub(&g_image->untagged, 1, __ATOMIC_RELAXED);
  }
  if ((former & kHasFacts) == 0 && FindHolder(RefOf(former), nullptr) == nullptr) {
    Recycle(RefOf(former));
  }
}

// A text of an ancestor's trace in ours.
trace::Ref InheritText(const TraceFile& trace, trace::Ref ref) {
  if (ref == 0) {
    return 0;
  }
  const auto* former = trace.At<trace::StringRecord>(ref);
  TextBuffer text;
  text.Append(former->text, former->bytes);
  return RecordText(text.text());
}

// Which ancestor tagged this object, if any: then it was in use before the fork.
void Inherit(const ObjectFacts& object, uint64_t tag, trace::LockRecord* record) {
  for (int i = g_lineage.count; i-- > 0;) {
    const Ancestor& ancestor = g_lineage.ancestors[i];
    if (!TagMatches(tag, object.address, ancestor.nonce) ||
        (tag >> 32) * trace::kRecordAlign >= ancestor.trace.used()) {
      continue;
    }
    const auto* former = ancestor.trace.At<trace::LockRecord>(static_cast<trace::Ref>(tag >> 32));
    record->flags |= trace::kInherited;
    record->owner_at_fork = object.owner;
    record->create_stack = InheritStack(ancestor.trace, former->create_stack);
    record->first_stack = InheritStack(ancestor.trace, former->first_stack);
    record->name = InheritText(ancestor.trace, former->name);
    return;
  }
}

// A spinlock does not say whether several processes use it: one that lies in shared memory may be.
void FindShared(trace::LockRecord* record) {
  if (record->kind == static_cast<uint8_t>(trace::LockKind::kSystemVSemaphore)) {
    record->shared = RecordSharedSystemV(record->address);
    return;
  }
  const bool is_spinlock = record->kind == static_cast<uint8_t>(trace::LockKind::kSpinlock);
  if ((record->flags & trace::kProcessShared) == 0 &&
      (!is_spinlock || (record->flags & (trace::kOnStack | trace::kStatic)) != 0)) {
    return;
  }
  record->shared = RecordSharedMemory(record->address);
  if (record->shared != 0) {
    record->flags |= trace::kProcessShared;
  }
}

// What names the object's record now: its tag, or where it has none the entry of its address.
uint64_t MarkOf(const ObjectFacts& object) {
  const auto address = reinterpret_cast<uintptr_t>(object.address);
  return object.tag != nullptr ? __atomic_load_n(object.tag, __ATOMIC_RELAXED)
                               : g_image->locks.For(address).Find(address);
}

// The record that the mark names, if it is still this object's.
trace::Ref FindByMark(const ObjectFacts& object, uint64_t mark) {
  if (object.tag != nullptr) {
    mark = (object.flags & trace::kDestroyed) != 0 ? ~mark : mark;
    const auto ref = static_cast<trace::Ref>(mark >> 32);
    // The check in a tag is too short for all addresses.
    return TagMatches(mark, object.address, g_image->nonce) &&
                   g_trace.At<trace::LockRecord>(ref)->address == reinterpret_cast<uint64_t>(object.address)
               ? ref
               : 0;
  }
  const trace::Ref ref = RefOf(mark);
  // The address may have been another kind of object before.
  if (ref == 0) {
    return 0;
  }
  const auto* record = g_trace.At<trace::LockRecord>(ref);
  // A condition says itself whether it is destroyed: this one was made anew by its constructor.
  const bool is_another = object.kind == trace::LockKind::kCondition && g_config.know_conditions &&
                          (record->flags & ~object.flags & trace::kDestroyed) != 0;
  return IsOfKind(record, object.kind) && !is_another ? ref : 0;
}

// `former`: the mark of who was found not to be this object. Once it is another, another thread was first.
trace::Ref Begin(Thread* thread, const ObjectFacts& object, uint64_t former, trace::Ref create_stack,
                 bool libc_writes) {
  uint64_t* place = object.tag;
  if (place != nullptr && !libc_writes && !IsWritable(place)) {
    place = nullptr;
  }
  // Init wipes the tag of the former lifetime.
  const uint64_t former_tag = place == nullptr ? 0 : former;
  trace::Ref ref = 0;
  trace::LockRecord* record = NewRecord(&ref);
  if (record == nullptr) {
    return 0;
  }
  record->kind = static_cast<uint8_t>(object.kind);
  record->flags = object.flags;
  record->address = reinterpret_cast<uint64_t>(object.address);
  record->create_stack = create_stack;
  record->creator = thread->ref;
  record->born_ns = NowNs();
  uint64_t offset = 0;
  const auto address = reinterpret_cast<uintptr_t>(object.address);
  const bool in_memory = (address & kNoMemoryBit) == 0;
  if (address >= thread->stack_low && address < thread->stack_high) {
    record->flags |= trace::kOnStack;
  } else if (const uint32_t serial = in_memory ? ModuleOf(address, &offset) : 0;
             serial != 0 && offset <= UINT32_MAX) {
    record->flags |= trace::kStatic;
    record->module_serial = static_cast<uint16_t>(serial);
    record->module_offset = static_cast<uint32_t>(offset);
  }
  if (former_tag != 0) {
    Inherit(object, former_tag, record);
  }
  FindShared(record);
  g_trace.Commit(record, false);

  uint64_t value = ref;
  if (place != nullptr) {
    const uint64_t tag =
        uint64_t{ref} << 32 | TagCheck(object.address, g_image->nonce) | ClassFor(object.kind);
    uint64_t expected = former_tag;
    if (!__atomic_compare_exchange_n(place, &expected, tag, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
      Recycle(ref);  // another thread was first
      return TagMatches(expected, object.address, g_image->nonce) ? static_cast<trace::Ref>(expected >> 32)
                                                                  : 0;
    }
    value |= kIsTagged;
  } else if (!in_memory) {
    value |= kIsTagged;
  }
  Table& table = g_image->locks.For(address);
  uint64_t replaced = 0;
  if (object.tag == nullptr) {
    replaced = table.PutOver(&g_image->arena, address, former, value);
    if (replaced != former) {
      Recycle(ref);
      return FindByMark(object, replaced);
    }
  } else {
    replaced = table.Put(&g_image->arena, address, value);
  }
  if ((value & kIsTagged) == 0) {
    __atomic_fetch_add(&g_image->untagged, 1, __ATOMIC_RELAXED);
  }
  Replace(replaced);
  return ref;
}

}  // namespace

trace::LockKind MutexLockKind(int kind) {
  switch (kind & kMutexTypeMask) {
    case kMutexRecursive:
      return trace::LockKind::kRecursiveMutex;
    case kMutexErrorcheck:
      return trace::LockKind::kErrorcheckMutex;
    case kMutexAdaptive:
      return trace::LockKind::kAdaptiveMutex;
    default:
      return trace::LockKind::kMutex;
  }
}

uint16_t MutexLockFlags(int kind) {
  if (kind == kMutexDestroyedKind) {
    return trace::kDestroyed;
  }
  uint16_t flags = 0;
  flags |= (kind & kMutexRobustBit) != 0 ? trace::kRobust : 0;
  flags |= (kind & kMutexInheritBit) != 0 ? trace::kPriorityInherit : 0;
  flags |= (kind & kMutexSharedBit) != 0 ? trace::kProcessShared : 0;
  return flags;
}

namespace {

// A compare-and-swap across cache lines is an alignment fault on some machines: such an object goes by its
// address.
uint64_t* TagPlace(uint64_t* place, bool is_free) {
  return is_free && g_config.use_tags && reinterpret_cast<uintptr_t>(place) % sizeof(*place) == 0 ? place
                                                                                                  : nullptr;
}

}  // namespace

ObjectFacts FactsOf(pthread_mutex_t* mutex) {
  const int kind = MutexKind(mutex);
  ObjectFacts facts{mutex,   MutexLockKind(kind), MutexLockFlags(kind),
                    nullptr, MutexOwner(mutex),   MutexLooksLocked(mutex)};
  if (kind == kMutexDestroyedKind) {
    facts.kind = trace::LockKind::kMutex;
  } else {
    facts.tag = TagPlace(MutexTag(mutex), (kind & kMutexNoTagBits) == 0);
  }
  return facts;
}

namespace {

// The inverse of the tag stays in an object that was destroyed and keeps no mark of that itself.
bool HasDestroyedTag(const uint64_t* place, const void* address) {
  return place != nullptr && TagMatches(~__atomic_load_n(place, __ATOMIC_RELAXED), address, g_image->nonce);
}

}  // namespace

ObjectFacts FactsOf(pthread_cond_t* condition) {
  // One that may be shared is taken for shared: other processes may do with it what is not seen here.
  int flags = trace::kProcessShared;
  if (g_config.know_conditions) {
    flags = (ConditionIsShared(condition) ? trace::kProcessShared : 0) |
            (ConditionIsDestroyed(condition) ? trace::kDestroyed : 0);
  }
  return ObjectFacts{condition, trace::LockKind::kCondition, static_cast<uint16_t>(flags), nullptr, 0, false};
}

ObjectFacts FactsOf(pthread_rwlock_t* rwlock) {
  const bool shared = RwlockIsShared(rwlock);
  uint64_t* tag = TagPlace(RwlockTag(rwlock), !shared);
  const int flags =
      (shared ? trace::kProcessShared : 0) | (HasDestroyedTag(tag, rwlock) ? trace::kDestroyed : 0);
  return ObjectFacts{rwlock,
                     RwlockPrefersWriters(rwlock) ? trace::LockKind::kWriterRwlock : trace::LockKind::kRwlock,
                     static_cast<uint16_t>(flags),
                     tag,
                     RwlockWriter(rwlock),
                     RwlockWriter(rwlock) != 0 || RwlockHasReaders(rwlock)};
}

ObjectFacts FactsOf(pthread_spinlock_t* spinlock) {
  return ObjectFacts{const_cast<int*>(spinlock),   trace::LockKind::kSpinlock, 0, nullptr, 0,
                     SpinlockLooksLocked(spinlock)};
}

ObjectFacts FactsOf(sem_t* semaphore) {
  const bool shared = SemaphoreIsShared(semaphore);
  const uint32_t value = SemaphoreValue(semaphore);
  uint64_t* tag = TagPlace(SemaphoreTag(semaphore), !shared);
  const int flags = (shared ? trace::kProcessShared : 0) | (value > 1 ? trace::kHandOff : 0) |
                    (HasDestroyedTag(tag, semaphore) ? trace::kDestroyed : 0);
  return ObjectFacts{semaphore, trace::LockKind::kSemaphore, static_cast<uint16_t>(flags), tag, 0,
                     value == 0};
}

ObjectFacts FactsOf(pthread_barrier_t* barrier) {
  const int flags = BarrierIsShared(barrier) ? trace::kProcessShared : 0;
  return ObjectFacts{barrier, trace::LockKind::kBarrier, static_cast<uint16_t>(flags), nullptr, 0, false};
}

ObjectFacts FactsOf(FILE* stream) {
  const StreamLock* lock = LockOf(stream);
  const bool locked = lock != nullptr && __atomic_load_n(&lock->count, __ATOMIC_RELAXED) != 0;
  const bool own = locked && __atomic_load_n(&lock->owner, __ATOMIC_RELAXED) == pthread_self();
  return ObjectFacts{stream, trace::LockKind::kStream, 0, nullptr, own ? OwnTid() : 0, locked};
}

ObjectFacts FactsAt(void* address, trace::LockKind kind) {
  const auto read = [&](auto* object) {
    return IsReadable(object, sizeof(*object)) ? FactsOf(object) : ObjectFacts{};
  };
  switch (kind) {
    case trace::LockKind::kMutex:
    case trace::LockKind::kRecursiveMutex:
    case trace::LockKind::kErrorcheckMutex:
    case trace::LockKind::kAdaptiveMutex:
      return read(static_cast<pthread_mutex_t*>(address));
    case trace::LockKind::kRwlock:
    case trace::LockKind::kWriterRwlock:
      return read(static_cast<pthread_rwlock_t*>(address));
    case trace::LockKind::kSemaphore:
      return read(static_cast<sem_t*>(address));
    default:
      return ObjectFacts{address, kind, 0, nullptr, 0, true};
  }
}

trace::Ref FindLock(const ObjectFacts& object) { return FindByMark(object, MarkOf(object)); }

bool IsDestroyed(const ObjectFacts& object, trace::Ref lock) {
  if ((object.flags & trace::kDestroyed) != 0) {
    return true;
  }
  // These must be initialised by a call, and no other process can have done it.
  return (object.kind == trace::LockKind::kSpinlock || object.kind == trace::LockKind::kBarrier) &&
         (g_trace.At<trace::LockRecord>(lock)->flags & (trace::kDestroyed | trace::kProcessShared)) ==
             trace::kDestroyed;
}

trace::Ref ResolveLock(Thread* thread, const ObjectFacts& object, bool libc_writes) {
  const uint64_t mark = MarkOf(object);
  const trace::Ref known = FindByMark(object, mark);
  return known != 0 ? known : Begin(thread, object, mark, 0, libc_writes);
}

trace::Ref BeginLifetime(Thread* thread, const ObjectFacts& object, trace::Ref create_stack) {
  return Begin(thread, object, MarkOf(object), create_stack, true);
}

void NameLock(Thread* thread, const ObjectFacts& object, const char* name) {
  const trace::Ref lock = ResolveLock(thread, object);
  if (lock == 0) {
    return;
  }
  TextBuffer text;  // cuts what is too long
  text.Append(name);
  g_trace.At<trace::LockRecord>(lock)->name = RecordText(text.text());
}

void SetTagClass(const ObjectFacts& object, TagClass tag_class) {
  if (object.tag == nullptr) {
    return;
  }
  uint64_t tag = __atomic_load_n(object.tag, __ATOMIC_RELAXED);
  if (TagMatches(tag, object.address, g_image->nonce)) {
    // Another thread may be beginning a lifetime: its tag stays.
    __atomic_compare_exchange_n(object.tag, &tag, (tag & ~uint64_t{kTagClassMask}) | tag_class, false,
                                __ATOMIC_RELAXED, __ATOMIC_RELAXED);
  }
}

void EndLifetime(const ObjectFacts& object) {
  const auto address = reinterpret_cast<uintptr_t>(object.address);
  if (object.tag != nullptr && !IsMutex(object.kind)) {
    const uint64_t tag = __atomic_load_n(object.tag, __ATOMIC_RELAXED);
    // libc itself need not write there.
    if (TagMatches(tag, object.address, g_image->nonce) && !g_no_syscalls && IsWritable(object.tag)) {
      __atomic_store_n(object.tag, ~tag, __ATOMIC_RELAXED);
    }
  }
  Table& table = g_image->locks.For(address);
  const uint64_t value = table.Find(address);
  if (RefOf(value) == 0) {
    return;
  }
  auto* record = g_trace.At<trace::LockRecord>(RefOf(value));
  record->flags |= trace::kDestroyed;
  // Others than a mutex still name this record if they are used again, so it stands for no other object
  // before the next lifetime in their place.
  const bool named = (value & kIsTagged) != 0 && !IsMutex(static_cast<trace::LockKind>(record->kind));
  if ((value & kHasFacts) == 0 && !named) {
    table.Clear(address);
    Replace(value);
  }
}

void RetireLock(trace::Ref lock) {
  const auto* record = g_trace.At<trace::LockRecord>(lock);
  Table& table = g_image->locks.For(record->address);
  const uint64_t value = table.Find(record->address);
  if (RefOf(value) == lock) {
    table.Clear(record->address);
    Replace(value);
  }
}

bool RetireUnlessKept(trace::Ref lock) {
  auto* record = g_trace.At<trace::LockRecord>(lock);
  Table& table = g_image->locks.For(record->address);
  const uint64_t value = table.Find(record->address);
  if (RefOf(value) != lock || (value & kHasFacts) != 0) {
    return false;
  }
  record->flags |= trace::kDestroyed;  // what is remembered of it elsewhere is void
  table.Clear(record->address);
  Replace(value);
  return true;
}

void ForgetRange(uintptr_t start, size_t bytes) {
  if (__atomic_load_n(&g_image->untagged, __ATOMIC_RELAXED) == 0) {
    return;
  }
  g_image->locks.ForEach([&](uint64_t address, uint64_t* value) {
    if (address - start < bytes && (*value & kIsTagged) == 0) {
      // Not recycled here: the table is locked, and a mapping that goes away is rare.
      g_trace.At<trace::LockRecord>(RefOf(*value))->flags |= trace::kRetired;
      __atomic_fetch_sub(&g_image->untagged, 1, __ATOMIC_RELAXED);
      *value = 0;
    }
  });
}

void KeepLock(const trace::LockRecord* lock) {
  g_image->locks.For(lock->address).Or(lock->address, kHasFacts);
}

uint64_t ClassOf(const trace::LockRecord* lock) {
  if (lock->name != 0) {
    return MixBits(uint64_t{1} << 61 | lock->name);
  }
  if ((lock->flags & trace::kStatic) != 0) {
    return MixBits(uint64_t{lock->module_serial} << 40 | lock->module_offset);
  }
  return MixBits(uint64_t{1} << 62 | (lock->create_stack != 0 ? lock->create_stack : lock->first_stack));
}

Thread* FindHolder(trace::Ref lock, const Thread* except) {
  Thread* holder = nullptr;
  ForEachThread([&](Thread* thread) {
    const uint32_t count = __atomic_load_n(&thread->own_slot->held_count, __ATOMIC_RELAXED);
    for (uint32_t i = 0; thread != except && i < count && i < thread->held_capacity; ++i) {
      if (thread->held[i].lock == lock) {
        holder = thread;
      }
    }
  });
  return holder;
}

}  // namespace gordian::record
