// What was recorded, as plain data: a Run is one process tree, a Process one image of it.
//
// The reader makes it from traces, inspectors make it from /proc or a core; detectors read nothing else.
// Cross references are indices into the vectors of the same Process (kNoIndex: none), so that a Run can be
// copied, merged and built by hand in a test.
#ifndef GORDIAN_LIBSYNC_TRACE_RUN_H_
#define GORDIAN_LIBSYNC_TRACE_RUN_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "libsync/trace/layout.h"

namespace gordian::trace {

using Index = int32_t;
inline constexpr Index kNoIndex = -1;

struct Module {
  std::string path;
  std::string build_id;  // lower-case hex, empty when the module has none
  uint64_t start = 0;
  uint64_t end = 0;
  uint64_t bias = 0;
};

// A function that an interpreter runs, and the line it is at.
struct ScriptFrame {
  std::string function;
  std::string file;
  int line = 0;  // 0: unknown
  // The same in all runs (plan.h); 0: not known.
  uint64_t module = 0;
  uint64_t unit = 0;
};

// module == kNoIndex: `offset` is an absolute address outside every module.
struct Frame {
  Index module = kNoIndex;
  uint64_t offset = 0;  // from Module::start
  // Of a stack that was walked from outside: found by a search for the frame's place, not by the tables
  // alone.
  bool inexact = false;
  // It stands for this, and `offset` is the address of the function's object. Equal frames share it.
  std::shared_ptr<const ScriptFrame> script = nullptr;
  bool operator==(const Frame&) const = default;
};

// Innermost first. Every frame but the first is a return address.
struct Stack {
  std::vector<Frame> frames;
};

struct Holding {
  Index lock = kNoIndex;
  Index stack = kNoIndex;
  Mode mode = Mode::kExclusive;
  uint32_t acquisition = 0;
  uint32_t depth = 0;
  Index thread = kNoIndex;  // only in Child::others_held: who holds it
  bool operator==(const Holding&) const = default;
};

struct Wait {
  WaitKind kind = WaitKind::kNone;
  bool timed = false;
  bool converts = false;  // the thread's own holding of the lock is in nobody's way
  Mode mode = Mode::kExclusive;
  Index lock = kNoIndex;    // kLock: the lock; kCondition: the condition; kBarrier: the barrier
  Index mutex = kNoIndex;   // kCondition: its mutex
  Index thread = kNoIndex;  // kJoin: whom
  Index child = kNoIndex;   // kProcess: which, if known
  int64_t value = 0;        // kProcess: the pid argument; kCondition: signals counted when the wait began
  uint64_t address = 0;     // of what is waited for
  Index stack = kNoIndex;
  // kCondition: the kernel shows that the thread is past the condition and queues for its mutex.
  bool reacquiring = false;
  bool writes = false;     // waits for room in a pipe or socket
  bool polls = false;      // for any of several descriptors
  bool contended = false;  // for a low-level lock that somebody unknown has, by its word
  // With `releasers`: it lies in memory that others may still map by its name, and end the wait then.
  bool named = false;
  // Of an inspector, which sees more than one process. Where no holder of the lock is known: a move of any
  // thread of any of these processes of the Run may end the wait. Empty where somebody outside the Run may,
  // too.
  std::vector<Index> releasers = {};
  // Of an inspector, for people: who has it, where no process of the Run is known to hold it as a lock: "pid
  // 12 by fd 3".
  std::string held_by = "";
  // And of all those nobody took it: they inherited it from who has ended.
  bool inherited = false;
  // The call and what it waits for, for people: "read of fd 5, a pipe".
  std::string note = "";
  bool operator==(const Wait&) const = default;
};

struct Thread {
  int32_t tid = 0;
  std::string name;
  ThreadState state = ThreadState::kRunning;
  uint32_t flags = 0;  // ThreadFlags
  Index creator = kNoIndex;
  uint32_t creator_segment = 0;
  Index create_stack = kNoIndex;
  std::vector<Holding> create_held;  // what the creator held then
  Index joiner = kNoIndex;
  uint32_t joiner_segment = 0;
  std::vector<Holding> join_held;  // what the joiner held then
  uint64_t pthread = 0;
  uint64_t start_ns = 0;
  uint64_t finish_ns = 0;  // 0: not finished

  // Live state: as last seen, or as it was when the process ended.
  bool live = false;  // had a slot
  uint32_t segment = 0;
  uint32_t acquisitions = 0;
  Wait wait;
  std::vector<Holding> held;
  // True when this state cannot be a moment between two moves: the process has ended, or two looks found the
  // thread asleep in the kernel and nothing of it changed. Only such waits may be called a deadlock.
  bool settled = false;
  // The kernel knows no such thread although its process runs: it ended without telling.
  bool gone = false;
  // Of an inspector: it moved, and was asleep at the same place at each look, in a wait with a timeout.
  bool polls = false;
};

// Equal identities are one object, in whatever process.
struct SharedIdentity {
  SharedSpace space = SharedSpace::kMemory;
  uint64_t device = 0;
  uint64_t inode = 0;
  uint64_t offset = 0;
  uint64_t length = 0;
  auto operator<=>(const SharedIdentity&) const = default;
};

struct Lock {
  Ref ref = 0;
  LockKind kind = LockKind::kUnknown;
  uint16_t flags = 0;  // LockFlags
  uint64_t address = 0;
  Frame place;  // module + offset of a static lock, else module == kNoIndex
  Index create_stack = kNoIndex;
  Index first_stack = kNoIndex;
  Index creator = kNoIndex;
  int32_t owner_at_fork = 0;  // not of conditions
  uint32_t signals = 0;
  int32_t takes = 0;  // barriers: how many threads a round takes
  uint64_t born_ns = 0;
  std::string name;  // the user's, a semaphore's, a locked file's path
  std::optional<SharedIdentity> shared;
  // The lock belongs to the C library itself, and its name says all: "malloc's arena lock".
  bool of_library = false;
  // The lock belongs to a language runtime itself (CPython's GIL ...): never reported.
  bool interpreter = false;
  // An object of the interpreted program, known from the interpreter's memory alone.
  bool script = false;
};

struct Dependency {
  Index thread = kNoIndex;
  Index lock = kNoIndex;
  Index awaited_thread = kNoIndex;  // kAwaitsThread, and lock is kNoIndex
  Index awaited_child = kNoIndex;   // kAwaitsChild, and lock is kNoIndex
  Index stack = kNoIndex;
  Mode mode = Mode::kExclusive;
  uint32_t flags = 0;  // DependencyFlags
  uint64_t count = 1;
  uint64_t first_ns = 0;
  uint64_t last_ns = 0;
  std::vector<uint32_t> segments;
  uint64_t signals = 0;  // bit N-1 for signal N: see DependencyRecord
  std::vector<Holding> held;
};

struct Child {
  int32_t pid = 0;
  ChildHow how = ChildHow::kFork;
  uint8_t flags = 0;  // ChildFlags
  Index thread = kNoIndex;
  uint32_t segment = 0;
  Index stack = kNoIndex;
  std::vector<Holding> others_held;  // Holding::thread says who
  uint64_t start_ns = 0;
  uint64_t reap_ns = 0;
  int32_t reap_status = 0;
  Index reaper = kNoIndex;
  uint32_t reap_segment = 0;
  std::vector<Holding> held;       // what the creating thread held then
  std::vector<Holding> reap_held;  // what the reaper held when it knew of the end
  std::string exec_path;
};

struct Event {
  EventKind kind{};
  Index thread = kNoIndex;
  Index lock = kNoIndex;
  Index lock2 = kNoIndex;
  Index other = kNoIndex;  // thread
  int64_t value = 0;
  Index stack = kNoIndex;
  Index other_stack = kNoIndex;
  uint64_t time_ns = 0;
  uint32_t error = 0;
  uint64_t count = 1;
  std::string text;
};

// A thread read a file and then rewrote it.
struct FileUpdate {
  Index thread = kNoIndex;
  std::string path;
  std::string source;  // what was renamed onto it
  FileWay way = FileWay::kEmptied;
  uint32_t flags = 0;  // FileUpdateFlags
  Index read_stack = kNoIndex;
  Index write_stack = kNoIndex;
  std::vector<Holding> held;  // at the write
  uint64_t device = 0;
  uint64_t inode = 0;
  uint64_t count = 1;
  std::vector<FileInterval> intervals;
};

// How locks of one class were acquired at one place.
struct Profile {
  Index lock = kNoIndex;  // one of the class; kNoIndex: what there was no room to tell apart
  Index stack = kNoIndex;
  Mode mode = Mode::kExclusive;
  uint64_t acquisitions = 0;
  uint64_t contended = 0;  // found the lock held when they began
  uint64_t wait_ns = 0;
  uint64_t most_wait_ns = 0;
  uint64_t hold_ns = 0;
  uint64_t most_hold_ns = 0;
};

// One process image.
struct Process {
  std::string trace_file;
  uint64_t nonce = 0;
  uint64_t parent_nonce = 0;
  int32_t pid = 0;
  int32_t ppid = 0;
  uint64_t start_ticks = 0;
  uint32_t image = 0;
  uint32_t uid = 0;
  int32_t session = 0;
  std::string executable;
  std::vector<std::string> command;
  uint64_t start_ns = 0;  // CLOCK_MONOTONIC, as all times of this Process
  uint64_t start_real_ns = 0;
  uint32_t flags = 0;  // HeaderFlags
  std::string off_reason;
  Counters counters{};
  uint64_t caught_signals =
      0;  // of an inspector: handlers that may wake its threads; bit n-1 stands for signal n
  uint64_t service_signals = 0;  // of them: by which programs are told to wake up or to end, timers included
  std::string damage;            // what the reader could not read, empty if nothing

  End end = End::kNone;
  uint32_t end_detail = 0;
  Index end_thread = kNoIndex;
  Index end_stack = kNoIndex;
  uint64_t end_ns = 0;
  // The image is over: it said so, or the kernel knows no such process any more.
  bool ended = false;
  // Of a core file, which may be of a process that lived on: what it shows is over all the same.
  bool from_core = false;

  std::vector<Module> modules;
  std::vector<Stack> stacks;
  std::vector<Thread> threads;
  std::vector<Lock> locks;
  std::vector<Dependency> dependencies;
  std::vector<Child> children;
  std::vector<Event> events;
  std::vector<FileUpdate> file_updates;
  std::vector<Profile> profiles;
};

// What the watcher saw of one process from outside. Exists for every process of the tree, traced or not.
struct Observed {
  int32_t pid = 0;
  uint64_t start_ticks = 0;
  uint64_t start_ns = 0;  // the same on CLOCK_MONOTONIC, to the kernel's tick (10 ms)
  int32_t creator = 0;    // pid of the parent at first sight, 0 unknown
  int32_t session = 0;
  std::string command;
  std::optional<int32_t> status;         // as wait(2) gives it, where gordian itself reaped it
  std::optional<int32_t> zombie_status;  // the same, as the kernel keeps it for who waits for the process
  uint64_t zombie_ms = 0;                // longest time seen as an unreaped zombie of its living creator
  bool creator_awaits = false;           // a thread of its creator waited for a child meanwhile
  bool reaped_late = false;              // the zombie went while its creator lived
  uint64_t outlived_ms = 0;              // time it was seen alive after its creator's end
  bool alive_at_end = false;             // of the run
  bool ended_by_gordian = false;         // not before gordian began to end the run
  bool own_session = false;              // called setsid after its creator made it
  std::string creator_doing;             // what the creator's threads did while it was a zombie, for people
  std::string unseen;                    // why it has no trace ("statically linked" ...), empty if it has one
};

struct Run {
  std::vector<std::string> command;
  int32_t root_pid = 0;
  std::optional<int32_t> root_status;  // as wait(2) gives it
  uint64_t start_real_ns = 0;
  uint64_t duration_ns = 0;
  bool over = false;              // the program has ended: leaks may be judged
  bool ended_by_gordian = false;  // it or some of its processes: --on-deadlock=kill or --kill-after
  std::vector<Process> processes;
  std::vector<Observed> observed;
  std::vector<std::string> lost;  // what went wrong with recording or reading, one sentence each
};

}  // namespace gordian::trace

#endif  // GORDIAN_LIBSYNC_TRACE_RUN_H_
