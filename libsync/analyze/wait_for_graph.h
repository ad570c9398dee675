// Who waits for whom at this moment, in one Process or in all of a Run, and which waits can never end.
//
// A thread that sleeps in an untimed wait, and was seen to sleep there without a move in between
// (Thread::settled), needs other threads to go on: the holders of a lock, the thread that it joins. Everybody
// else can go on by himself. Taking away, again and again, each thread whose needs are met by threads that
// can go on leaves the stuck ones; their roots are cycles and locks that nobody is left to release.
//
// What has no holder (a condition, a semaphore, the other end of a pipe, a child's end) may be ended by any
// thread of the processes that an inspector names (Wait::releasers). Each such process is a node of its own,
// which can go on as soon as one of its threads can: a standstill is a set of threads in which every way out
// leads back into the set.
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

// One root of a standstill.
struct Stall {
  enum class Kind {
    kCycle,      // each of `threads` waits for the next, the last for the first; one thread: for itself
    kAbandoned,  // all of `threads` wait for `lock`, whose owner is gone
  };
  Kind kind = Kind::kCycle;
  std::vector<trace::Index> threads;
  trace::Index lock = trace::kNoIndex;   // kAbandoned
  trace::Index owner = trace::kNoIndex;  // kAbandoned: the dead thread; kNoIndex: it lives in another process
  std::vector<trace::Index> behind;      // stuck because of these
};

// The stalls of a process: of each knot of waits the smallest cycle, and every abandoned lock.
std::vector<Stall> FindStalls(const trace::Process& process);

struct ThreadRef {
  trace::Index process = trace::kNoIndex;
  trace::Index thread = trace::kNoIndex;
  bool operator==(const ThreadRef&) const = default;
};

// A set of threads that only each other can wake, by something else than a lock's holder within one process.
struct Standstill {
  std::vector<ThreadRef> threads;
  std::vector<ThreadRef> behind;  // stuck because of these
  // False: a handler of a signal could still wake them, or somebody who maps their shared memory by its name.
  bool certain = true;
};

// Those of a whole run that FindStalls does not explain process by process.
std::vector<Standstill> FindStandstills(const trace::Run& run);

// By process and thread: whether it can never go on.
std::vector<std::vector<bool>> StuckThreads(const trace::Run& run);

// Why `waiter` waits for `other`: the lock that `other` holds, or kNoIndex for a join or a lock that `other`
// only queues for.
trace::Index LockBetween(const trace::Process& process, trace::Index waiter, trace::Index other);

}  // namespace gordian::analyze

#endif  // GORDIAN_LIBSYNC_ANALYZE_WAIT_FOR_GRAPH_H_
