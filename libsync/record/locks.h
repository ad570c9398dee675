// Lock identity: which LockRecord stands for the object at an address, and when a new lifetime begins.
//
// A private mutex carries its record number in a field that glibc leaves unused. Initialisers and
// construction wipe the field, copying an object copies it but not its address: a tag that does not match the
// address is a new lifetime. No free() needs to be watched for that. Every other object is known by address.
#ifndef GORDIAN_LIBSYNC_RECORD_LOCKS_H_
#define GORDIAN_LIBSYNC_RECORD_LOCKS_H_

#include <pthread.h>
#include <semaphore.h>

#include <cstdint>

#include "libsync/record/image.h"
#include "libsync/record/libc_facts.h"
#include "libsync/record/stack.h"
#include "libsync/trace/layout.h"

namespace gordian::record {

struct Thread;

// A tag is record number << 32 | TagCheck | class. The secret differs from image to image.
enum TagClass : uint32_t {
  kOtherTag = 0,
  kPlainTag = 1,      // the inline fast path may take it: see TagOf
  kRecursiveTag = 2,  // the same, for a mutex that its owner may take again
};
inline constexpr uint32_t kTagClassMask = 3;
// Objects with a tag lie at multiples of 8.
inline uint32_t TagCheck(const void* address, uint64_t secret) {
  return static_cast<uint32_t>((reinterpret_cast<uintptr_t>(address) >> 1) ^ secret) & ~kTagClassMask;
}
inline bool TagMatches(uint64_t tag, const void* address, uint64_t secret) {
  return (static_cast<uint32_t>(tag) & ~kTagClassMask) == TagCheck(address, secret) && (tag >> 32) != 0;
}
// A secret as the fast path compares it: with the class in its place.
inline uint32_t PlainSecret(uint64_t secret) {
  return (static_cast<uint32_t>(secret) & ~kTagClassMask) | kPlainTag;
}
inline bool IsTagOf(TagClass tag_class, uint64_t tag, const void* address, uint32_t plain_secret) {
  return static_cast<uint32_t>(tag) == (static_cast<uint32_t>(reinterpret_cast<uintptr_t>(address) >> 1) ^
                                        plain_secret ^ (kPlainTag ^ tag_class));
}

// What lies in no memory (a file lock) has a number with this bit in place of an address.
inline constexpr uintptr_t kNoMemoryBit = uintptr_t{1} << 63;

inline bool IsFileLock(trace::LockKind kind) {
  return kind == trace::LockKind::kFlock || kind == trace::LockKind::kPosixFileLock ||
         kind == trace::LockKind::kOpenFileLock;
}

inline bool IsSemaphore(trace::LockKind kind) {
  return kind == trace::LockKind::kSemaphore || kind == trace::LockKind::kNamedSemaphore ||
         kind == trace::LockKind::kSystemVSemaphore;
}
// A semaphore that nobody was seen to use as a lock: only given back by who waited for it.
inline bool IsSignal(const trace::LockRecord* lock) {
  return IsSemaphore(static_cast<trace::LockKind>(lock->kind)) &&
         (lock->flags & (trace::kLockLike | trace::kHandOff)) != trace::kLockLike;
}

// The object of a slow-path call.
struct ObjectFacts {
  void* address;
  trace::LockKind kind;
  uint16_t flags;  // LockFlags known from the object itself
  uint64_t* tag;   // where a tag may be kept, null for none
  int32_t owner;   // tid, as the libc's own fields say; 0 nobody or unknown
  bool locked;     // as the same fields say
};
ObjectFacts FactsOf(pthread_mutex_t* mutex);
ObjectFacts FactsOf(pthread_cond_t* condition);
ObjectFacts FactsOf(pthread_rwlock_t* rwlock);
ObjectFacts FactsOf(pthread_spinlock_t* spinlock);
ObjectFacts FactsOf(sem_t* semaphore);
ObjectFacts FactsOf(pthread_barrier_t* barrier);
ObjectFacts FactsOf(FILE* stream);

// sem_open and sem_init give the same type: only the former knows better.
inline bool IsOfKind(const trace::LockRecord* record, trace::LockKind kind) {
  const auto recorded = static_cast<trace::LockKind>(record->kind);
  return recorded == kind ||
         (recorded == trace::LockKind::kNamedSemaphore && kind == trace::LockKind::kSemaphore);
}
// Of an object of this kind that was there before. No address: its memory is gone (MADV_DONTFORK), or nobody
// can be asked.
ObjectFacts FactsAt(void* address, trace::LockKind kind);

// The record of the object in its present lifetime; begins one if it has none. 0: no room.
// All need an open trace and a caller inside the recorder.
// `libc_writes`: the call that this is for changes the object whatever it finds. Else its memory may be
// read-only, or a place where nothing lies; a tag goes where the kernel says that it can.
trace::Ref ResolveLock(Thread* thread, const ObjectFacts& object, bool libc_writes = false);
// The record if the object has one, else 0. Begins nothing.
trace::Ref FindLock(const ObjectFacts& object);

// The object was destroyed and not initialised since. `lock` is its record.
bool IsDestroyed(const ObjectFacts& object, trace::Ref lock);

// The object was initialised by a call at `stack`: a new lifetime begins.
trace::Ref BeginLifetime(Thread* thread, const ObjectFacts& object, trace::Ref create_stack);
// The user names the object, which begins a lifetime if it has none.
void NameLock(Thread* thread, const ObjectFacts& object, const char* name);
// Changes the class of the object's tag, if it carries ours.
void SetTagClass(const ObjectFacts& object, TagClass tag_class);
// The object was destroyed.
void EndLifetime(const ObjectFacts& object);
// What the record stands for is over without a destroy call: whatever its address is used for from now on is
// another lock.
void RetireLock(trace::Ref lock);
// Nobody uses the lock for now: its record may stand for another one, unless facts refer to it. True if so.
bool RetireUnlessKept(trace::Ref lock);
// The memory [start, start + bytes) goes away.
void ForgetRange(uintptr_t start, size_t bytes);

// The record is part of a dependency or an event from now on: it is never reused.
void KeepLock(const trace::LockRecord* lock);
// The identity of the lock's class, for bounding facts: its name, else static place, else creation, else
// first stack.
uint64_t ClassOf(const trace::LockRecord* lock);

// A thread that holds the lock, other than `except`; null if none is known.
Thread* FindHolder(trace::Ref lock, const Thread* except);

}  // namespace gordian::record

#endif  // GORDIAN_LIBSYNC_RECORD_LOCKS_H_
