// This process image as the recorder knows it: configuration, the trace, the tables, and how it starts.
//
// State is of three kinds, each in its own place:
//   Config     read once at load, survives fork
//   Lineage    the traces of the images this one was forked from, still mapped; survives fork
//   Image      everything else, in wiped memory: a fork child finds it zero and begins a trace of its own
//              at the first fact worth one
#ifndef GORDIAN_LIBSYNC_RECORD_IMAGE_H_
#define GORDIAN_LIBSYNC_RECORD_IMAGE_H_

#include <cstdint>

#include "libsync/record/arena.h"
#include "libsync/record/shared.h"
#include "libsync/record/table.h"
#include "libsync/record/trace_file.h"
#include "libsync/trace/layout.h"

namespace gordian::record {

struct EarlyTake;
struct FileRead;
struct HeldFileLock;
struct LostFileLock;
struct Thread;

struct Config {
  char run_directory[400];
  char drop_directory[400];
  bool on;                // record at all in this image
  bool children;          // record fork children
  bool use_tags;          // lock tags proved themselves
  bool takes_free_locks;  // so did libc's own way to take a lock that is free (free_locks.h)
  bool know_conditions;   // so did what conditions say of themselves
  bool hooks_proved;
  int32_t watcher_image_pid;  // the process that started a watcher of its own (bare LD_PRELOAD), else 0
  size_t default_stack_bytes;
  uint32_t hold_ms;  // blocking with a lock held is told when it lasts longer
  bool times_holds;  // and so is every holding
  bool times_waits;
  uint32_t wait_ms;  // a wait for a lock is told when it lasts longer
  bool checks_free;
  bool misses_frees;  // they were to be checked, and cannot be
  bool profiles;      // how often and how long locks are waited for and held
};
extern Config g_config;

struct Module {
  uint64_t start;
  uint64_t end;
  const void* link_map;
  const uint8_t* build_id;  // in the module's own memory
  uint64_t build_id_head;
  uint32_t serial;
};

enum class ImageState : uint32_t { kNone = 0, kOpening = 1, kReady = 2, kOff = 3 };

struct Image {
  uint32_t state;  // ImageState
  uint64_t nonce;
  char trace_path[512];
  Arena arena;

  // Stacks: content hash -> Ref; call site key -> Ref; return address -> size of the frame there.
  ShardedTable stacks;
  ShardedTable sites;
  ShardedTable frame_sizes;
  // Stacks in signal handlers: Ref -> the signals that the handler may have been called for.
  Table handler_stacks;
  // Locks: address -> LockRecord (and kHasFacts), tagged or not.
  ShardedTable locks;
  // How many of them carry no tag (conditions, robust, shared ...): they need a look at munmap.
  uint64_t untagged;
  // Dependencies: key of thread, held set, lock, site -> Ref; class chain -> how many instance chains it has.
  ShardedTable dependencies;
  ShardedTable chains;
  ShardedTable folded;
  // pthread_t -> ThreadRecord; pid -> ChildRecord; (event kind, site) -> count; (event kind, lock
  // class, sites) -> EventRecord; hash of a text -> StringRecord.
  Table pthreads;
  Table children;
  Table events;
  Table durations;
  Table texts;
  // Functions of an interpreter (scripts.h): what identifies one -> CodeRecord.
  Table codes;
  // (lock class, stack, slot or 0) -> ProfileRecord, how many there are, and what the rest counts in.
  ShardedTable profiles;
  uint64_t profile_count;
  trace::Ref other_profiles;
  // (space, device, inode, offset, length) -> SharedRecord.
  ShardedTable shared;
  uint64_t name_events;
  uint64_t barrier_passages;
  // Hand-overs recorded (hand_overs.h); address -> once whose routine took locks, and how many ever did.
  uint64_t hand_overs;
  uint64_t channel_hand_overs;
  Table done_onces;
  uint64_t done_once_count;
  // Of an epoll instance, what it tells of a descriptor -> the descriptor + 1 (channels.cc).
  Table watched;
  uint32_t watched_count;
  // Taken before there was a trace.
  EarlyTake* early_takes;
  uint32_t early_take_count;
  uint32_t early_looks;
  uint64_t ipc_namespace;
  MappingCache mapping;

  SpinLock modules_lock;
  Module* modules;
  uint32_t module_count;
  uint32_t module_capacity;

  SpinLock threads_lock;
  Thread* all_threads;    // every Thread ever made, through Thread::next
  Thread* ended_threads;  // whose thread is over, oldest first, through Thread::next_ended
  Thread* ended_last;
  // Of a plan (plan.h): (stack, side) -> its steps.
  Table plan_steps;
  // File locks (file_locks.cc): those in force, how many of them, how many calls that may add one are under
  // way, SharedRecords to be used again (linked through SharedRecord::reserved), names given.
  SpinLock file_locks_lock;
  HeldFileLock* file_locks;
  uint32_t file_lock_count;  // those lost and not given back included
  uint32_t file_lock_attempts;
  trace::Ref free_identities;
  uint32_t file_names;
  bool descriptors_duplicated;
  // Those that were lost (lost_file_locks.cc), and how many files were opened while there was any lock.
  LostFileLock* lost_file_locks;
  uint32_t opened_files;
  // Files that are read and rewritten (file_updates.cc): what was read lately, the records by what they say,
  // how many there are, of each pair of places and in all, their paths, and how often the working folder
  // changed.
  FileRead* file_reads;
  Table file_updates;
  Table file_update_places;
  uint32_t file_update_count;
  uint32_t folder_changes;

  SpinLock free_locks_lock;
  trace::Ref free_locks;  // LockRecords without facts, linked through LockRecord::name
};

// Calls come before Prepare() and where it failed: then this is an image that is never opened, all zero.
extern Image* g_image;
// The trace of the image that opened one last: this one's exactly when IsReady().
extern TraceFile g_trace;

struct Ancestor {
  uint64_t nonce;
  TraceFile trace;  // still mapped here
};
inline constexpr int kMaxAncestors = 8;
struct Lineage {
  uint64_t current_nonce;  // of g_trace; 0: no trace opened yet
  int count;
  Ancestor ancestors[kMaxAncestors];     // newest last
  trace::ChildRecord* own_child_record;  // in the parent's trace, when this image is a fork child
};
extern Lineage g_lineage;

// Maps the image's wiped memory. Once, from the shim's constructor, with main's arguments. False: the
// recorder stays off.
bool Prepare(int argument_count, char** arguments);

// True when facts can be recorded; opens the trace of this image first if it has none yet.
// REQUIRES: inside the recorder (Entry).
bool EnsureOpen();

inline bool IsReady() {
  return __atomic_load_n(&g_image->state, __ATOMIC_RELAXED) == static_cast<uint32_t>(ImageState::kReady);
}

// Switches recording off in this image for good, with the reason in the trace.
void SwitchOff(const char* reason);

// From now on the recorder makes no system call.
void StopSystemCalls();

// Tells the image in the header how it ends. `end` kNone takes it back (an exec that failed).
void RecordEnd(trace::End end, uint32_t detail, trace::Ref thread, trace::Ref stack);

}  // namespace gordian::record

#endif  // GORDIAN_LIBSYNC_RECORD_IMAGE_H_
