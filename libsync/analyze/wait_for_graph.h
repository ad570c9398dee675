// Who waits for whom at this moment, over all processes of a Run, and which waits can never end.
//
// A node is a thread, or a process as a whole. A lock is one thing in all processes that share it (device,
// inode, offset), whatever address each has it at.
//
// 1. A thread that sleeps in an untimed wait, and was seen to sleep there without a move in between
//    (Thread::settled), needs all who keep it out (AND): the holders of a lock, the thread that it joins.
//    What has no holder (a condition, a semaphore, the other end of a pipe, a child's end) may be ended by
//    any of the processes that an inspector names (Wait::releasers), and one is enough (OR). A process can go
//    on as soon as one of its threads can. Everybody else can go on by himself.
// 2. Taking away, again and again, each node whose needs are met by nodes that can go on leaves the stuck
// ones
//    (the reduction of an AND/OR graph, as of Knapp, "Deadlock Detection in Distributed Databases", ACM
//    Computing Surveys 1987).
// 3. The strong components of what is left are its knots. One in which some nodes wait in a ring for what the
//    next one holds (a lock, its own end) is a cycle, told by its shortest ring. Any other one is a
//    standstill, if every way out of it leads back into it; where semaphores in it were taken in a ring, it
//    is told as that ring. A lock that nobody is left to release is a root as well.
// 4. All else that is stuck is behind the nearest of these.
//
// Thread safety: functions without shared state.
#ifndef GORDIAN_LIBSYNC_ANALYZE_WAIT_FOR_GRAPH_H_
#define GORDIAN_LIBSYNC_ANALYZE_WAIT_FOR_GRAPH_H_

#include <cstdint>
#include <vector>

#include "libsync/trace/run.h"

namespace gordian::analyze {

// What a node needs before it can go on. kAll with no needs: nothing, it runs. kAny with no needs: nobody can
// help it.
struct Need {
  enum class Kind { kAll, kAny };
  Kind kind = Kind::kAll;
  std::vector<int32_t> nodes;
};

// True for every node that can never go on (AND/OR reduction; linear in the number of needs).
std::vector<bool> StuckNodes(const std::vector<Need>& needs);

struct ThreadRef {
  trace::Index process = trace::kNoIndex;
  trace::Index thread = trace::kNoIndex;
  bool operator==(const ThreadRef&) const = default;
};

// One root of what is stuck.
struct Stall {
  enum class Kind {
    kCycle,       // each of `threads` waits for the next, the last for the first; one thread: for itself
    kAbandoned,   // all of `threads`, of one process, wait for `lock`, whose owner is gone
    kStandstill,  // `threads` that only each other can wake, by something else than what one of them holds
  };
  // Of a cycle, why a thread waits for the next.
  struct Edge {
    // Of the waiter's process: the lock that it waits for; kNoIndex: it waits for an end.
    trace::Index lock = trace::kNoIndex;
    // Into Thread::held of the next: what keeps the waiter out. kNoIndex: the next only queues for the lock,
    // or another thread of its process has it.
    trace::Index holding = trace::kNoIndex;
  };
  Kind kind = Kind::kCycle;
  std::vector<ThreadRef> threads;
  std::vector<Edge> edges;              // kCycle: [i] from threads[i] to the next
  trace::Index lock = trace::kNoIndex;  // kAbandoned: of the waiters' process
  ThreadRef owner;                      // kAbandoned: the dead thread; no thread: it lived in another process
  std::vector<ThreadRef> behind;        // stuck because of these
  // False: a handler of a signal could still wake them, or somebody who maps their shared memory by its name.
  bool certain = true;
};

// Of a run, or of some of its processes as if there were no others.
std::vector<Stall> FindStalls(const trace::Run& run);
std::vector<Stall> FindStalls(const trace::Run& run, const std::vector<trace::Index>& processes);

// By process and thread: whether it can never go on.
std::vector<std::vector<bool>> StuckThreads(const trace::Run& run);

}  // namespace gordian::analyze

#endif  // GORDIAN_LIBSYNC_ANALYZE_WAIT_FOR_GRAPH_H_
