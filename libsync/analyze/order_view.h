// What the search for lock-order cycles looks at: the waits of a process, or of several that use the same
// locks, as one Process.
//
// The end of a thread is a lock like any other: the thread holds it from its first step to its last, and
// whoever joins it waits for it. So is the end of a process, which its main thread holds. Only ends that can
// lie on a cycle are there: somebody waits for one while he holds something, or while he himself is waited
// for in that way. Waits that a condition, a semaphore or a barrier may have ordered after what the thread
// did are left out.
//
// Of several processes threads, locks and dependencies stand one after the other. Fork and reap are to a
// process what create and join are to a thread, and exec ends one image before the next begins. Places
// (stacks) keep the indices of their own process.
//
// A view of one process without ends is the process itself: nothing is copied.
//
// Thread safety: const after construction. The Run or Process must outlive it unchanged.
#ifndef GORDIAN_LIBSYNC_ANALYZE_ORDER_VIEW_H_
#define GORDIAN_LIBSYNC_ANALYZE_ORDER_VIEW_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "libsync/analyze/gates.h"
#include "libsync/analyze/lineage.h"
#include "libsync/analyze/lock_identity.h"
#include "libsync/trace/run.h"

namespace gordian::analyze {

class OrderView {
 public:
  struct Origin {
    trace::Index process = trace::kNoIndex;
    trace::Index index = trace::kNoIndex;
  };

  // What a lock stands for that is an end.
  struct End {
    trace::Index thread = trace::kNoIndex;  // whose; of a process the main thread of its first image
    bool of_process = false;
  };

  // `index` is what origins call it.
  explicit OrderView(const trace::Process& process, trace::Index index = 0);
  // Of these processes. Others that only order them are taken in by their threads alone.
  OrderView(const trace::Run& run, const std::vector<trace::Index>& processes, const Lineage& lineage);
  OrderView(const OrderView&) = delete;
  OrderView& operator=(const OrderView&) = delete;

  const trace::Process& process() const { return *process_; }
  const LockIdentity& locks() const { return *locks_; }
  const std::vector<Gates::Frame>& frames() const { return frames_; }
  const std::vector<int32_t>& frame_of() const { return frame_of_; }

  // nullptr for what is a lock.
  const End* EndAt(trace::Index lock) const;
  // The lock that stands for the end of the thread, or kNoIndex.
  trace::Index EndOfThread(trace::Index thread) const;
  // What its creator held when it created it.
  const std::vector<trace::Holding>& HeldAtCreation(const End& end) const;

  // False for threads of two processes of which nobody knows whether one had to wait for the other, and that
  // did not run at the same time.
  bool LivesOverlap(trace::Index a, trace::Index b) const;

  Origin OfThread(trace::Index thread) const { return OriginAt(thread, &Part::threads); }
  Origin OfDependency(trace::Index dependency) const { return OriginAt(dependency, &Part::dependencies); }
  // Of the record of the lock that says most of it.
  Origin OfLock(trace::Index lock) const;
  // The other way; kNoIndex for what is not in the view.
  trace::Index ViewedThread(const Origin& thread) const;
  trace::Index ViewedLock(const Origin& lock) const;
  // The processes that are in it with their waits.
  std::vector<trace::Index> Processes() const;

 private:
  // One process in the view.
  struct Part {
    trace::Index process = trace::kNoIndex;
    // Where its threads, locks and dependencies begin.
    trace::Index threads = 0;
    trace::Index locks = 0;
    trace::Index dependencies = 0;
    bool only_order = false;  // its threads alone
  };

  void Append(const trace::Run& run, trace::Index process, bool only_order);
  void AppendEvents(const trace::Process& source, const Part& part);
  void Link(const trace::Run& run, const Lineage& lineage);
  void LinkToMaker(const trace::Run& run, const Part& part, const Lineage& lineage);
  void LinkToNextImage(const trace::Run& run, const Part& part, const Part& next);
  const Part* PartOf(trace::Index process) const;
  size_t PartAt(trace::Index index, trace::Index Part::*begin) const;
  std::vector<trace::Index> HoldersOf(const End& end) const;
  std::vector<trace::Holding> Moved(const std::vector<trace::Holding>& held, const Part& part) const;
  void FindEnds();
  void AddEnds();
  Origin OriginAt(trace::Index index, trace::Index Part::*begin) const;

  const trace::Process* process_;
  trace::Process own_;
  std::unique_ptr<LockIdentity> locks_;
  std::vector<Part> parts_;
  std::vector<Gates::Frame> frames_;
  std::vector<std::vector<trace::Holding>> held_at_creation_;  // by frame
  std::vector<int32_t> frame_of_;
  std::vector<Lineage::Life> lives_;  // by part
  // The main threads of all images of a process, by the first of them.
  absl::flat_hash_map<trace::Index, std::vector<trace::Index>> mains_;
  std::vector<End> ends_;  // the last locks, by thread
};

}  // namespace gordian::analyze

#endif  // GORDIAN_LIBSYNC_ANALYZE_ORDER_VIEW_H_
