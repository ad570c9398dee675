// One thread as the recorder knows it, and the way into the recorder.
//
// A Thread lies in wiped memory and points to its live state in the trace (SlotRecord). The fast paths in
// acquire.h use nothing but this struct, the slot and the lock itself, all of them touched by this thread
// only.
#ifndef GORDIAN_LIBSYNC_RECORD_THREAD_H_
#define GORDIAN_LIBSYNC_RECORD_THREAD_H_

#include <errno.h>
#include <pthread.h>

#include <cstdint>

#include "libsync/record/image.h"
#include "libsync/record/stack.h"
#include "libsync/trace/layout.h"
#include "libsync/trace/plan.h"

namespace gordian::record {

struct KnownProfile;
struct ProfiledHolding;

// What an acquisition at a known place in a known situation leads to.
struct CacheEntry {
  uint64_t key;
  trace::Ref stack;
  trace::Ref dependency;  // 0: nothing was held, or it could not block for good
  Callers callers;
  uint32_t caller_sum;  // of the call that this entry was made for
  trace::Ref lock;      // of an entry that was made for one object
};
inline constexpr int kCacheBits = 9;

struct Thread {
  // Hot. `slot` is null while the thread is inside the recorder, in a fork child, and before its first fact:
  // a fast path that finds it null goes the slow way.
  trace::SlotRecord* slot;
  trace::HeldEntry* held;  // in the slot, or its overflow
  uint64_t segment_hash;   // of the slot's segment
  uint32_t plain_secret;   // PlainSecret of this image
  uint64_t script;  // tells apart where an interpreter's script calls from (scripts.h); 0: nothing to tell

  // Cold.
  uint64_t tag_secret;  // of this image
  trace::SlotRecord* own_slot;
  trace::ThreadRecord* record;
  trace::Ref ref;  // of `record`
  uint32_t held_capacity;
  // As `slot`, where locks are profiled and `slot` is always null (profile.h).
  trace::SlotRecord* profiled_slot;
  ProfiledHolding* profiled;  // beside `held`; null unless locks are profiled
  KnownProfile* profiles;     // likewise
  uint64_t* held_since;       // when each of `held` was acquired; null unless holdings are timed
  uintptr_t stack_low;
  uintptr_t stack_high;
  uint32_t enforced_segment;  // the first one since its last create or join
  bool finished;
  bool relearns;  // what its cache knows is out of date; set by any thread
  // Of a plan (plan.h).
  bool low_priority;
  uint32_t vain_pauses;
  uint64_t gates;                 // cycles whose gate it holds
  trace::PlanStanding* standing;  // in a condition wait
  uint64_t random;
  uint64_t disturbed_ns;
  // The end of the trace when it last passed a wait that others end: what was begun before, it may have
  // waited for.
  trace::Ref order_mark;
  // Counts what a hand-over could tell of: situations learnt, and segments begun.
  uint32_t order_facts;
  Thread* next;
  Thread* next_ended;
  // [i]: of locks and stacks held below the i-th holding, oldest first; [0] is 0. What lies above the newest
  // holding is not up to date.
  uint64_t hash_below[trace::kInlineHeld];
  CacheEntry cache[1 << kCacheBits];
};

extern Thread g_no_thread;  // all zero, for threads that are not registered
extern __attribute__((tls_model("initial-exec"))) thread_local constinit Thread* t_thread;
extern __attribute__((tls_model("initial-exec"))) thread_local constinit bool t_inside;
// How many vfork children of this thread run on its memory right now. They record nothing.
extern __attribute__((tls_model("initial-exec"))) thread_local constinit int t_vfork_depth;

// The way into the recorder on a slow path. Re-entry (a signal handler that takes a lock while its thread is
// in here) passes through unrecorded; errno is kept.
class Entry {
 public:
  enum class Open { kYes, kOnlyIfOpen };
  // kOnlyIfOpen: for facts that are not worth beginning a trace in a fork child.
  explicit Entry(Open open = Open::kYes);
  ~Entry();
  Entry(const Entry&) = delete;
  Entry& operator=(const Entry&) = delete;

  // False: record nothing, call the real function.
  explicit operator bool() const { return thread_ != nullptr; }
  Thread* operator->() const { return thread_; }
  Thread* thread() const { return thread_; }

 private:
  Thread* thread_ = nullptr;
  int errno_;
};

// A signal handler is about to leave by longjmp. If it had interrupted the recorder, what was being written
// stays half done: its locks are freed for the other threads, and recording stops.
void LeaveByJump();
// The calling thread ends, by a cancellation that may have hit it inside the recorder (asynchronous, at any
// instruction). Recording goes on unless the thread was writing what all share; what it held is not believed
// then.
void LeaveByCancellation();

// A thread's record before it exists: filled by its creator.
struct NewThread {
  trace::ThreadRecord* record;
  trace::Ref ref;
};
NewThread RecordThreadCreate(Thread* creator, Site site, bool detached);

// What the creator has to say of a thread to come: the beginning of what its start routine gets.
struct AnnouncedThread {
  const AnnouncedThread* self;
  NewThread created;
  size_t stack_bytes;  // 0: unknown
};
// Where a thread's start routine stands in libc's descriptor of it, and which of them are called with an
// AnnouncedThread: a signal handler may run before they do.
void KnowStartRoutines(size_t offset, const void* posix, const void* c11);
// Registers the calling thread as the one that was announced.
void BeginThread(const AnnouncedThread& announced);
// The calling thread's start routine is over. Its slot lives on until the thread is known to be gone.
void FinishThread(bool by_exit);

// The pthread_t of an announced thread. Told by the thread itself and by its creator, whoever comes first:
// the creator may detach or join it before it has run one instruction.
void NameThread(const NewThread& created, pthread_t pthread);
// The ThreadRecord for a pthread_t, 0 if unknown. To be asked before a call that may free the pthread_t.
trace::Ref FindThread(pthread_t pthread);
void RecordJoin(Thread* joiner, trace::Ref joinee);
void SetThreadFlag(trace::Ref thread, trace::ThreadFlags flag);
// The kernel's name of a thread has changed.
void SetThreadName(trace::Ref thread, const char* name);

// A new segment of this thread begins; returns its number. The former is for an order that the program always
// enforces, by a create or a join.
uint32_t NextEnforcedSegment(Thread* thread);
uint32_t NextSegment(Thread* thread);

// Copies what the thread holds into a HeldSetRecord; 0 when it holds nothing.
trace::Ref SnapshotHeld(const Thread* thread);

// Calls visit(thread) for every Thread that has a slot. Threads may come and go meanwhile.
template <typename Visit>
void ForEachThread(Visit visit) {
  for (Thread* thread = __atomic_load_n(&g_image->all_threads, __ATOMIC_ACQUIRE); thread != nullptr;
       thread = thread->next) {
    if (thread->own_slot != nullptr && thread->own_slot->thread != 0) {
      visit(thread);
    }
  }
}

// For a fork child that begins its trace: takes over what this thread held when it was forked.
struct ForkHandover {
  uint32_t count;
  uint64_t addresses[trace::kInlineHeld];
  uint8_t kinds[trace::kInlineHeld];
  uint8_t modes[trace::kInlineHeld];
  uint16_t depths[trace::kInlineHeld];
};
extern __attribute__((tls_model("initial-exec"))) thread_local constinit ForkHandover* t_handover;

}  // namespace gordian::record

#endif  // GORDIAN_LIBSYNC_RECORD_THREAD_H_
