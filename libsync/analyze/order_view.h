// What the search for lock-order cycles looks at: the waits of a process, in which the end of a thread is a
// lock like any other. A thread holds its own end from its first step to its last, and whoever joins it waits
// for it.
//
// Only ends that can lie on a cycle are there: somebody joins the thread while he holds something, or while
// he himself is waited for in that way. Joins that a condition, a semaphore or a barrier may have ordered
// after what the thread did are left out. Without such ends the view is the process itself, and nothing is
// copied.
//
// Thread safety: const after construction. The Process must outlive it unchanged.
#ifndef GORDIAN_LIBSYNC_ANALYZE_ORDER_VIEW_H_
#define GORDIAN_LIBSYNC_ANALYZE_ORDER_VIEW_H_

#include <vector>

#include "libsync/trace/run.h"

namespace gordian::analyze {

class OrderView {
 public:
  explicit OrderView(const trace::Process& process);
  OrderView(const OrderView&) = delete;
  OrderView& operator=(const OrderView&) = delete;

  // Threads and dependencies have the indices of the original, and so have its locks: ends come after them.
  const trace::Process& process() const { return *process_; }

  // The thread whose end this lock is, or kNoIndex.
  trace::Index ThreadOfEnd(trace::Index lock) const;
  // The lock that stands for the end of the thread, or kNoIndex.
  trace::Index EndOfThread(trace::Index thread) const;

 private:
  void FindEnds(const trace::Process& process);
  void AddEnds();

  const trace::Process* process_;
  trace::Process own_;
  std::vector<trace::Index> ends_;  // the threads, ascending: their ends are the last locks
};

}  // namespace gordian::analyze

#endif  // GORDIAN_LIBSYNC_ANALYZE_ORDER_VIEW_H_
