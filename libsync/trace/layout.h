// The trace: what a traced program leaves behind, byte for byte.
//
// One file per process image, on tmpfs, mapped MAP_SHARED by its only writer (libsync/record) and read with
// pread by anybody (libsync/trace/reader.h). It is readable at every moment, also after SIGKILL: nothing
// depends on a destructor.
//
//     0      FileHeader       who this is, counters, how the image ended
//     4096   ControlPage      written by gordian, read by hooks (reserved; all zero today)
//     8192   records          a stream; each starts with a RecordPrefix at a multiple of 16 bytes
//
// The stream is append-only. Some records are also live state and change in place (SlotRecord all the time;
// LockRecord, ThreadRecord, ChildRecord, DependencyRecord a few fields). A record that was reserved but not
// written is all zero: readers skip 16 bytes at a time until a prefix appears, and stop at `used`.
//
// This header is the whole contract: it includes nothing of Gordian's and may be compiled on its own.
// Additions go into reserved fields or new record types; readers skip types that they do not know. Any other
// change raises kLayoutVersion.
#ifndef GORDIAN_LIBSYNC_TRACE_LAYOUT_H_
#define GORDIAN_LIBSYNC_TRACE_LAYOUT_H_

#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace gordian::trace {

inline constexpr char kMagic[8] = {'G', 'O', 'R', 'D', 'I', 'A', 'N', '\n'};
inline constexpr uint32_t kLayoutVersion = 3;
inline constexpr uint32_t kEndianMark = 0x01020304;
inline constexpr uint64_t kControlOffset = 4096;
inline constexpr uint64_t kStreamOffset = 8192;
inline constexpr uint64_t kRecordAlign = 16;

// The place of a record: its file offset / kRecordAlign. 0 is "none" (the header stands there).
using Ref = uint32_t;

// How the image ended, as far as it could tell itself. kNone after a kill: the reader then asks the kernel.
enum class End : uint32_t {
  kNone = 0,
  kExit = 1,       // exit() or return from main
  kQuickExit = 2,  // quick_exit()
  kRawExit = 3,    // _exit() or _Exit()
  kAbort = 4,      // abort()
  kExec = 5,       // replaced by another image; end_detail is that image's number
};

enum HeaderFlags : uint32_t {
  kTagsWork = 1u << 0,       // lock tags proved themselves on this libc (else identity=memory)
  kHooksWork = 1u << 1,      // interception proved itself at start-up
  kForkChild = 1u << 2,      // this image began by fork, not exec; `parent_trace` is its parent's nonce
  kRecorderOff = 1u << 3,    // the recorder switched itself off after an inconsistency
  kStorageFull = 1u << 4,    // no room was left for records; later facts are missing
  kSeccomp = 1u << 5,        // seccomp was seen; the recorder makes no system call since
  kPrivateTracer = 1u << 6,  // this image started its own watcher (bare LD_PRELOAD)
  kFreesUnseen = 1u << 7,    // frees were to be checked, and the object that hooks them is not loaded
};

// What could not be recorded. Each counts events, saturating is not needed.
struct Counters {
  uint64_t records_dropped;      // no room, or the recorder was busy in a signal handler
  uint64_t stacks_skipped;       // little stack left, a foreign stack, or no unwind data
  uint64_t dependencies_folded;  // instance facts beyond the bound per class chain
  uint64_t futex_waits_unseen;   // places that wait at a futex of which no owner is known
  // Of a plan (plan.h).
  uint64_t pauses;         // threads held back before a step of a cycle
  uint64_t most_together;  // steps of one cycle that stood at the same time
  uint64_t cycles_met;     // cycles of which all steps stood
  uint64_t avoided;        // threads that waited before the outer acquisition of a cycle
};

struct ClockReading {
  uint64_t ticks;
  uint64_t ns;
};

struct FileHeader {
  char magic[8];
  uint32_t version;
  uint32_t endian;
  uint32_t header_bytes;  // sizeof(FileHeader) of the writer
  uint32_t flags;         // HeaderFlags
  uint64_t nonce;         // random; names this trace within its run
  uint64_t parent_nonce;  // of the trace this image was forked from or exec'd over; 0 unknown

  char boot_id[40];
  int32_t pid;
  int32_t ppid;          // at image start
  uint64_t start_ticks;  // field 22 of /proc/PID/stat: with pid and boot id, the process's identity
  uint32_t image;        // 0 for the first image of the process, +1 per exec
  uint32_t uid;
  uint64_t pid_namespace;  // inode of /proc/self/ns/pid
  uint64_t start_mono_ns;  // CLOCK_MONOTONIC at image start; all record times are on this clock
  uint64_t start_real_ns;  // CLOCK_REALTIME at the same moment
  int32_t session;
  int32_t reserved;

  uint64_t used;       // bytes of the file in use, header included
  uint64_t populated;  // bytes that are known to be backed by memory
  Ref first_slot;      // live threads: a list through SlotRecord::next
  Ref first_thread;    // ThreadRecord of the thread that began the image
  uint64_t facts;      // counts appended facts; unchanged = nothing new to analyse

  uint32_t end;         // End
  uint32_t end_detail;  // exit status; image number for kExec
  Ref end_thread;       // ThreadRecord that ended the image
  Ref end_stack;
  uint64_t end_mono_ns;

  Counters counters;
  char off_reason[64];  // why kRecorderOff, NUL-terminated

  char executable[512];    // /proc/self/exe, NUL-terminated, cut at the end if longer
  uint32_t command_bytes;  // bytes used of `command`
  char command[1024];      // argv, each NUL-terminated, cut

  // Two moments as the clock of ProfileRecords showed them and as CLOCK_MONOTONIC did: the first of the
  // image, and a late one. All zero: those records count nanoseconds.
  ClockReading first_reading;
  ClockReading last_reading;
};
static_assert(sizeof(FileHeader) <= kControlOffset);
static_assert(std::is_trivially_copyable_v<FileHeader>);

// gordian -> hooks: steering, perturbation, avoidance, profile. Hooks read it, gordian writes it with pwrite.
struct ControlPage {
  uint32_t version;  // 0: nothing asked
  uint32_t reserved[1023];
};
static_assert(sizeof(ControlPage) == 4096);

enum class Type : uint16_t {
  kNone = 0,
  kModule = 1,
  kStack = 2,
  kThread = 3,
  kSlot = 4,
  kLock = 5,
  kDependency = 6,
  kChild = 7,
  kEvent = 8,
  kHeldSet = 9,
  kString = 10,
  kShared = 11,
  kFileUpdate = 12,
  kProfile = 13,
  kCode = 14,
};

struct RecordPrefix {
  uint16_t type;       // Type; stored first
  uint16_t units;      // size of the record, prefix included, in kRecordAlign
  uint32_t committed;  // kCommitted, stored last with release order
};
inline constexpr uint32_t kCommitted = 0x474F5244;

// A loaded object that a recorded address fell into. Later loads at the same place are new records.
// `serial` counts modules from 1 in the order of their records.
struct ModuleRecord {
  RecordPrefix prefix;
  uint32_t serial;
  uint32_t build_id_bytes;
  uint64_t start;  // mapped range in the process
  uint64_t end;
  uint64_t bias;  // runtime address - address in the file's symbol table
  uint8_t build_id[32];
  uint64_t seen_ns;
  uint32_t path_bytes;  // without NUL
  char path[4];         // path_bytes bytes follow here
};

// A frame is serial << 48 | (address - ModuleRecord::start), innermost first. Serial 0 stands for code
// outside every module: the low bits are then the address itself. All but the innermost address are return
// addresses.
struct StackRecord {
  RecordPrefix prefix;
  uint32_t hash;
  uint32_t count;
  uint64_t frames[1];  // count frames follow here
};
inline constexpr int kFrameModuleShift = 48;
inline constexpr uint64_t kFrameOffsetMask = (uint64_t{1} << kFrameModuleShift) - 1;
// A frame of this serial is of no module: it stands for a function that an interpreter runs, as the Ref of
// its CodeRecord and how far it had come, in units of two bytes. No module has it.
inline constexpr uint32_t kScriptSerial = 0xFFFF;
inline constexpr int kScriptUnitBits = 16;
inline constexpr uint64_t kScriptUnitMask = (uint64_t{1} << kScriptUnitBits) - 1;

// A function of Python 3.minor, with what tells its lines.
struct CodeRecord {
  RecordPrefix prefix;
  uint8_t minor;
  uint8_t file_width;  // bytes of one character: 1 (ASCII and Latin-1), 2 or 4
  uint8_t function_width;
  uint8_t reserved;
  int32_t first_line;
  uint64_t address;  // of the code object
  uint32_t file_bytes;
  uint32_t function_bytes;
  uint32_t line_table_bytes;
  char text[4];  // the file's name, the function's and the line table follow here
};

enum class ThreadState : uint32_t {
  kRunning = 1,
  kFinished = 2,  // its start routine is over (return, pthread_exit, cancel); TLS destructors may still run
};
enum ThreadFlags : uint32_t {
  kMainThread = 1u << 0,
  kDetached = 1u << 1,
  kJoined = 1u << 2,
  kAdopted = 1u << 3,      // first seen running: created before the shim or without pthread_create
  kCancelled = 1u << 4,    // pthread_cancel was asked for it
  kEndedByExit = 1u << 5,  // pthread_exit or cancellation ended it, not a return
  kIdleAtEnd = 1u << 6,    // slept in a call without a timeout when the process exited
};

// One thread of the image, once. Its segments number the stretches between its ordering events (a create, a
// join of a thread or a child, a barrier, or a hand-over each begin a new one); happens-before is computed
// from them, see libsync/analyze/happens_before.h.
struct ThreadRecord {
  RecordPrefix prefix;
  int32_t tid;
  uint32_t state;            // ThreadState
  uint32_t flags;            // ThreadFlags
  Ref creator;               // ThreadRecord; 0 for the main thread
  uint32_t creator_segment;  // the creator's segment that ended with the create
  Ref create_stack;
  Ref create_held;          // HeldSetRecord: what the creator held then
  Ref joiner;               // ThreadRecord of the thread that joined it
  uint32_t joiner_segment;  // the joiner's segment that began after the join
  Ref join_held;            // HeldSetRecord: what the joiner held then
  uint64_t pthread;         // pthread_t
  uint64_t start_ns;
  uint64_t finish_ns;
  Ref join_stack;  // where it was joined or detached; 0: not yet, or detached from the start
  uint32_t reserved;
  char name[16];
};

enum class Mode : uint8_t { kExclusive = 1, kShared = 2 };

enum HeldFlags : uint8_t {
  kGivenUp = 1u << 0,  // another thread gave it back (file locks): no longer in force
};

// An acquisition in force.
struct HeldEntry {
  Ref lock;
  Ref stack;             // where it was acquired; 0 unknown
  uint32_t acquisition;  // counts the thread's acquisitions: tells one holding of a lock from the next
  uint8_t mode;          // Mode
  uint8_t flags;         // HeldFlags
  uint16_t depth;        // recursive re-acquisitions, 0 for the first
};
static_assert(sizeof(HeldEntry) == 16);

enum class WaitKind : uint8_t {
  kNone = 0,
  kLock = 1,       // object: LockRecord
  kCondition = 2,  // object: LockRecord of the condition; object2: LockRecord of its mutex
  kJoin = 3,       // object: ThreadRecord
  kProcess = 4,    // object: ChildRecord if one is known; value: the pid argument of waitpid
  kBarrier = 5,    // object: LockRecord of the barrier
  kFutex = 6,      // a futex that no hook knows the owner of; address: its word
  kSleep = 7,      // sleeps for a given time
  kCall = 8,       // another system call; seen from outside only, never recorded
};
enum WaitFlags : uint8_t {
  kTimed = 1u << 0,     // the wait ends by itself
  kSpins = 1u << 1,     // the waiter runs: the kernel never sees it asleep
  kConverts = 1u << 2,  // what is awaited replaces what the thread itself holds of the object (file locks)
  kAnybody = 1u << 3,   // a semaphore that is no lock: anybody may end the wait
};

inline constexpr uint32_t kInlineHeld = 48;

// The live state of one thread: what it holds and what it waits for. Written by its thread alone, with plain
// stores: a reader believes it only when two looks agree. Reused after the thread's end.
struct SlotRecord {
  RecordPrefix prefix;
  Ref next;    // the slot after this one in the header's list; never changes once set
  Ref thread;  // ThreadRecord; 0: free
  int32_t tid;
  uint32_t segment;
  // The wait. `kind` is stored last when a wait begins and cleared first when it ends.
  uint8_t wait_kind;   // WaitKind
  uint8_t wait_flags;  // WaitFlags
  uint8_t wait_mode;   // Mode
  uint8_t reserved0;
  Ref wait_object;
  Ref wait_object2;
  Ref wait_stack;
  int64_t wait_value;     // pid for kProcess; signal count of the condition at the start of a kCondition wait
  uint64_t wait_address;  // of the object
  // The holdings, oldest first.
  uint32_t held_count;
  uint32_t acquisitions;  // total so far; changes whenever the thread moves
  Ref held_overflow;      // HeldSetRecord that replaces `held` once kInlineHeld is not enough; 0: inline
  uint32_t reserved1;
  uint64_t reserved2[3];
  HeldEntry held[kInlineHeld];
};
static_assert(sizeof(SlotRecord) % kRecordAlign == 0);

enum class LockKind : uint8_t {
  kUnknown = 0,
  kMutex = 1,
  kRecursiveMutex = 2,
  kErrorcheckMutex = 3,
  kAdaptiveMutex = 4,
  kCondition = 5,
  kRwlock = 6,  // grants a reader although a writer waits (the default, and PREFER_WRITER_NP)
  kSpinlock = 7,
  kSemaphore = 8,  // sem_init
  kFlock = 9,      // flock: belongs to the open file description
  kBarrier = 10,
  kOnce = 11,            // held by the thread that runs the routine
  kWriterRwlock = 12,    // PREFER_WRITER_NONRECURSIVE_NP: a waiting writer holds new readers up
  kPosixFileLock = 13,   // fcntl, lockf: belongs to the process
  kOpenFileLock = 14,    // fcntl F_OFD_*: belongs to the open file description
  kNamedSemaphore = 15,  // sem_open
  kSystemVSemaphore = 16,
  kStream = 17,     // flockfile; recursive
  kFutexWord = 18,  // that a library waits for by itself: no lock, but it hands over
  kChannel = 19,    // a pipe, a socket, an eventfd, a signal, a message queue: no lock, but it hands over
};
enum LockFlags : uint16_t {
  kRobust = 1u << 0,
  kPriorityInherit = 1u << 1,
  kProcessShared = 1u << 2,
  kStatic = 1u << 3,  // lies in a module's data: module_serial and module_offset name it
  kDestroyed = 1u << 4,
  kHandOff = 1u << 5,  // was unlocked or posted by a thread that did not hold it, or is a semaphore that lets
                       // several in: a signal, no longer a lock
  kInherited = 1u << 6,       // first used in a fork child, created before the fork
  kOnStack = 1u << 7,         // lies in its creator's stack
  kLockLike = 1u << 8,        // semaphores: was given back by the thread that held it
  kSignalLost = 1u << 9,      // conditions: the last signal found nobody waiting
  kRetired = 1u << 10,        // what its address is used for from now on is another object
  kSignalledFree = 1u << 11,  // conditions: was signalled by a thread that held nothing
  kOrderLost = 1u << 12,      // more was handed over by it than was recorded (kGave, kTook)
  kBeganAtOne = 1u << 13,     // semaphores: was made to let one in, as a lock is
};

// One lifetime of one synchronisation object.
struct LockRecord {
  RecordPrefix prefix;
  uint8_t kind;  // LockKind
  uint8_t reserved;
  uint16_t flags;          // LockFlags
  uint16_t module_serial;  // kStatic: where it lies
  uint16_t generation;     // +1 when a record without facts is reused for another object
  uint64_t address;
  Ref create_stack;  // its init call; 0 for static initialisers and std::mutex
  Ref first_stack;   // its first acquisition
  uint32_t module_offset;
  Ref creator;  // ThreadRecord
  Ref shared;   // SharedRecord: identity across processes
  union {
    int32_t owner_at_fork;  // kInherited: tid that held it in the parent at the fork; 0: nobody
    int32_t waiters;        // conditions: threads that wait now
    int32_t takes;          // barriers: how many threads a round takes
  };
  Ref name;          // StringRecord: the user's name, a semaphore's name, a locked file's path
  uint32_t signals;  // conditions: signals and broadcasts so far
  uint64_t born_ns;
};
static_assert(sizeof(LockRecord) == 64);

// What several processes know as one object, whatever its address is in each.
enum class SharedSpace : uint32_t {
  kMemory =
      1,      // in a shared mapping: device and inode of the file (or of the anonymous memory), offset in it
  kFile = 2,  // a file lock: device, inode, and the range [offset, offset + length); length 0: to the end
  kSystemV = 3,  // device: inode of the IPC namespace; inode: semid; offset: number within the set
  kChannel = 4,  // what the kernel hands over by; equal in all processes that use it, else without meaning
};
struct SharedRecord {
  RecordPrefix prefix;
  uint32_t space;  // SharedSpace
  uint32_t reserved;
  uint64_t device;
  uint64_t inode;
  uint64_t offset;
  uint64_t length;
};

enum DependencyFlags : uint32_t {
  kReacquire = 1u << 0,  // the hidden re-acquisition at the end of a condition wait
  kFolded = 1u << 1,     // stands for more instance chains of the same classes than the bound
  // What is not an acquisition: `lock` then names something else.
  kAwaitsThread = 1u << 2,  // lock: ThreadRecord; the thread was joined while these were held
  kAwaitsChild =
      1u << 3,         // lock: ChildRecord, 0 for any child; a process was waited for while these were held
  kSignals = 1u << 4,  // lock: a condition; it was signalled while these were held
  kAwaits = 1u << 5,   // lock: a condition; it was waited for while these (without its mutex) were held
  // kAwaitsThread, kAwaitsChild: since that thread or process began, this one has passed a wait that may
  // order them (condition, semaphore, barrier).
  kSoftOrdered = 1u << 6,
  kInHandler = 1u << 7,  // the acquisition was made in a signal handler
};
inline constexpr uint32_t kSegmentSamples = 16;

// "Thread, holding these, went to acquire that, and would have waited for good." One per distinct
// (thread, held set with modes and stacks, lock, mode, stack). Recorded before the acquisition can block.
// With nothing held it is one per thread and place, for the first lock taken there: who uses which lock at
// all.
struct DependencyRecord {
  RecordPrefix prefix;
  Ref thread;
  Ref lock;
  Ref stack;
  uint32_t flags;  // DependencyFlags
  uint8_t mode;    // Mode wanted
  uint8_t reserved[3];
  uint32_t held_count;
  uint64_t count;  // observations that were looked at closely (a lower bound)
  uint64_t first_ns;
  uint64_t last_ns;        // of the last of them
  uint32_t segment_count;  // used of `segments`: the first ones seen, and in the last place the latest; of
                           // those between two creates or joins only a few
  uint32_t reserved2;
  uint32_t segments[kSegmentSamples];
  // Bit N-1 for signal N. kInHandler: those that the handler may have been called for. Else: those that had a
  // handler and were not blocked at one of the observations.
  uint64_t signals;
  HeldEntry held[1];  // held_count entries follow here
};

// A set of holdings at one moment.
struct HeldSetRecord {
  RecordPrefix prefix;
  Ref thread;  // whose; 0 if entries belong to several (then `acquisition` is the ThreadRecord)
  uint32_t count;
  HeldEntry held[1];  // count entries follow here; capacity follows from prefix.units
};

enum class ChildHow : uint8_t {
  kFork = 1,
  kRawFork = 2,  // _Fork
  kVfork = 3,
  kSpawn = 4,  // posix_spawn, posix_spawnp
  kSystem = 5,
  kPopen = 6,
  kDaemon = 7,
};
enum ChildFlags : uint8_t {
  kReaped = 1u << 0,
  kCreateFailed = 1u << 1,
  kExecd = 1u << 2,         // set by the child when an exec is about to happen, cleared when it failed
  kReapedInside = 1u << 3,  // the call itself waits for it (system)
  kChildExited = 1u << 4,   // set by a fork child that ends without a trace of its own
  kChildTraced = 1u << 5,   // set by a fork child that opened a trace of its own
  kChildSetsid = 1u << 6,   // set by a child that called setsid
};

// A child process. Appended before the call that creates it, so that the child can mark it too: `flags`,
// `pid` and `exec_path` are the only fields of the format that a second process writes.
struct ChildRecord {
  RecordPrefix prefix;
  int32_t pid;    // 0 while unknown
  uint8_t how;    // ChildHow
  uint8_t flags;  // ChildFlags; atomic or
  uint16_t reserved;
  Ref thread;        // the creating thread
  uint32_t segment;  // its segment that ended with the creation
  Ref stack;
  Ref others_held;  // HeldSetRecord: what OTHER threads held at the fork
  uint64_t start_ns;
  uint64_t reap_ns;
  int32_t reap_status;    // as wait(2) gives it
  Ref reaper;             // ThreadRecord
  char exec_path[96];     // NUL-terminated, the end of a longer path
  Ref held;               // HeldSetRecord: what `thread` held then
  uint32_t reap_segment;  // the reaper's segment that began after the child's end was known
  Ref reap_held;          // HeldSetRecord: what the reaper held then
};

// What is not over after this time with a lock held is told of (kBlockedWhileLocked), unless asked otherwise.
inline constexpr uint32_t kDefaultHoldMs = 100;

enum class EventKind : uint32_t {
  kUnlockNotHeld = 1,   // object: lock; the libc's own fields agreed that nobody held it
  kUnlockNotOwner = 2,  // object: lock; other: ThreadRecord that held it if known; value: owner tid
  kDestroyInUse = 3,    // object: lock or condition; other: holder or waiter
  kUseAfterDestroy = 4,
  kReinitInUse = 5,
  kUnmapInUse = 6,  // munmap of memory with a held lock: object: lock; other: holder
  kFrameInUse = 7,  // a stack frame with a held lock in it was left
  kKill = 8,        // value: pid | signal << 32; sent by `thread`
  kUnrecorded = 9,  // value: tid; a thread the recorder could not give a slot
  kConditionMutex =
      10,  // object: condition; object2: the mutex that was passed; value: 0 the caller does not hold
           // it, 1 another mutex is in use with the condition (other: a thread that waits with it)
  kJoinMisuse =
      11,  // other: ThreadRecord if known; value: JoinMisuse; other_stack: of the first join or detach;
           // error: what the call answered, 0 while it has not come back (one that works withdraws the event)
  kBarrierMisuse = 12,    // object: barrier; value: the count; other: a thread that waits in it while it is
                          // initialised anew, 0 where the count itself is wrong
  kSemaphoreMisuse = 13,  // object: semaphore; value: the value
  kApiError = 14,         // object: if any; error: what it answered; text: the call
  kLockInHandler = 15,  // object: lock; stack: in the handler; other_stack: outside; value: the signals that
                        // were blocked for the handler, bit N-1 for signal N
  kBlockedWhileLocked = 16,  // object: the newest lock held; other_stack: where; value: ns; text: what it did
  kLongHold = 17,            // object: lock; value: ns; stack: the unlock; other_stack: the acquisition
  kLongWait = 18,            // object: lock; value: ns; stack: the acquisition
  kNameCreated = 19,         // text: name of a semaphore or shared memory that did not exist before; value: 0
                             // semaphore, 1 shared memory
  kNameUnlinked = 20,        // text: the name; value: as above
  kBarrierPassed = 21,       // object: barrier; value: the round, from 0; error: the segment of `thread` that
                        // began. All that the threads of a round did before follows in none of them what any
                        // did after. Not recorded of a barrier's later rounds, which begin no segment
  // Hand-overs by a condition, a futex word, a semaphore, a once or a channel. Not recorded of what is beyond
  // a bound (kOrderLost), nor of what tells nothing new of a channel.
  kGave = 22,  // object; error: the segment of `thread` that ended. value: of a condition, its signals, this
               // one included (of a futex word, its wakes; of a channel, its gifts); of a semaphore, its
               // value before the post
  kTook = 23,  // object; error: the segment of `thread` that began. value: of a condition, its signals when
               // the wait began
  kLostSignal = 24,  // object: a condition that was signalled while nobody waited for it; the first time
                     // since kSignalLost was not set
  // POSIX locks of files. object: lock; other_stack: where it was taken; error: its mode; value: when the
  // program gave it back itself, negative if it had done nothing else before, 0 never.
  kFileLockLost = 25,  // by closing another descriptor of the file, at `stack`
  kFileLockTaken =
      26,  // object: a file lock that was taken at `stack`; error: mode; value: when, the last time
};
enum class JoinMisuse : int64_t {
  kJoinedTwice = 1,
  kJoinOfDetached = 2,
  kDetachedTwice = 3,
  kDetachOfJoined = 4,
  kUnknown = 5,
  kJoinedAtOnce = 6,  // by two threads at the same time
  kCancelOfJoined = 7,
  kSignalOfJoined = 8,
};

struct EventRecord {
  RecordPrefix prefix;
  uint32_t kind;  // EventKind
  Ref thread;
  Ref object;
  Ref other;
  int64_t value;
  Ref stack;
  Ref other_stack;
  uint64_t time_ns;
  uint32_t error;  // what the call returned
  Ref object2;
  Ref text;          // StringRecord
  uint32_t repeats;  // how often more the same happened at the same places; `value` is then the greatest
};

enum class FileWay : uint32_t {
  kEmptied = 1,   // opened for writing with O_TRUNC, or cut by truncate
  kReplaced = 2,  // another file was renamed onto it
};
enum FileUpdateFlags : uint32_t {
  kSourceExclusive = 1u << 0,  // kReplaced: the other file was created with O_EXCL
};
// From an open for reading to the call that rewrote the file.
struct FileInterval {
  uint64_t read_ns;
  uint64_t write_ns;
};
inline constexpr uint32_t kFileIntervals = 32;

// "This thread read the file and then rewrote it": one for each distinct (thread, file, way, held set,
// stacks).
struct FileUpdateRecord {
  RecordPrefix prefix;
  Ref thread;
  Ref path;    // StringRecord, absolute
  Ref source;  // kReplaced: StringRecord of the other file's path
  Ref read_stack;
  Ref write_stack;
  Ref held;        // HeldSetRecord: what the thread held when it rewrote the file
  uint32_t way;    // FileWay
  uint32_t flags;  // FileUpdateFlags
  uint64_t device;
  uint64_t inode;
  uint64_t count;
  uint32_t
      interval_count;  // used of `intervals`: the first ones stay, the second half is overwritten in turn
  uint32_t reserved;
  FileInterval intervals[kFileIntervals];
};

// How locks of one class were acquired at one place, by the threads that used one slot after each other, or
// by any: there are as many records as it takes for that, up to a bound, and a reader adds them up. Changes
// in place all the time.
struct ProfileRecord {
  RecordPrefix prefix;
  Ref lock;        // one of the class; 0: what is beyond the bound, of whatever class
  Ref stack;       // the acquisition
  uint8_t mode;    // Mode
  uint8_t shared;  // threads of several slots count in it
  uint8_t reserved[6];
  uint64_t acquisitions;  // those by a thread that held the lock already are not counted
  uint64_t contended;     // found the lock held when they began; some of them gave up
  // In ticks of the clock that the header tells of. What has not ended is not in them.
  uint64_t wait_ticks;
  uint64_t most_wait_ticks;
  uint64_t hold_ticks;
  uint64_t most_hold_ticks;
};

struct StringRecord {
  RecordPrefix prefix;
  uint32_t bytes;
  char text[4];  // bytes follow here, no NUL
};

}  // namespace gordian::trace

#endif  // GORDIAN_LIBSYNC_TRACE_LAYOUT_H_
