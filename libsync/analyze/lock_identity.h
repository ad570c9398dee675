// Which lock records are one lock, and whether who has a lock keeps out who wants one.
//
// Records of one SharedIdentity are one lock, in whatever process and at whatever address. What one of them
// says of the lock holds for all: handed over anywhere, it is a signal everywhere. Where the object was
// destroyed and initialised again, another lock begins.
//
// Ranges of one file are locks of their own, and who has one keeps out who wants another that overlaps it. A
// POSIX file lock belongs to its process: threads of one process never wait for each other's.
//
// Thread safety: const after construction.
#ifndef GORDIAN_LIBSYNC_ANALYZE_LOCK_IDENTITY_H_
#define GORDIAN_LIBSYNC_ANALYZE_LOCK_IDENTITY_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "libsync/trace/run.h"

namespace gordian::analyze {

class LockIdentity {
 public:
  // `process_of` says which process each record is of; empty: all are of one. `locks` must outlive it.
  explicit LockIdentity(const std::vector<trace::Lock>& locks, std::vector<trace::Index> process_of = {});

  // The first record of the lock; kNoIndex where there is no such record.
  trace::Index Of(trace::Index lock) const;

  // See IsOwned and IsReportable in lookup.h.
  bool IsOwned(trace::Index lock) const { return Is(lock, kOwned); }
  bool IsReportable(trace::Index lock) const { return Is(lock, kReportable); }

  // Calls visit(lock) for each lock that keeps out who wants this one: itself, and overlapping ranges.
  template <typename Visit>
  void ForEachInTheWay(trace::Index lock, Visit visit) const {
    const auto file = files_.find(Of(lock));
    if (file == files_.end()) {
      visit(Of(lock));
      return;
    }
    // From the last range that begins before the end of this one, back to where none reaches it any more.
    const Ranges& ranges = ranges_[static_cast<size_t>(file->second)];
    for (size_t r = BeginBefore(ranges, lock); r-- > 0 && Reaches(ranges.furthest[r], lock);) {
      if (Overlap(lock, ranges.by_begin[r])) {
        visit(ranges.by_begin[r]);
      }
    }
  }

  // False for a lock of one process alone that belongs to the process.
  bool KeepsAnybodyOut(trace::Index lock) const { return Is(lock, kKeepsOut); }
  // Equal for locks that may be in each other's way.
  trace::Index Group(trace::Index lock) const;
  // Whether who has `held` in that mode keeps out who wants `wanted` in this one.
  bool Conflict(trace::Index wanted, trace::Mode wanted_mode, trace::Index held, trace::Mode held_mode) const;
  // Two readers, who never keep each other out, of a lock that does keep out other modes.
  bool OnlyRead(trace::Index wanted, trace::Mode wanted_mode, trace::Index held, trace::Mode held_mode) const;

 private:
  enum Answer : uint8_t { kOwned = 1, kReportable = 2, kKeepsOut = 4 };
  // Of one file, locked in one way.
  struct Ranges {
    trace::Index first = 0;  // stands for all of them
    std::vector<trace::Index> by_begin;
    std::vector<uint64_t> furthest;  // [i]: the furthest end of by_begin[0..i]
  };

  bool Is(trace::Index lock, Answer answer) const {
    return static_cast<size_t>(lock) < answers_.size() && (answers_[static_cast<size_t>(lock)] & answer) != 0;
  }
  uint8_t AnswersFor(trace::Index lock) const;
  bool InTheWay(trace::Index wanted, trace::Index held) const;
  bool Overlap(trace::Index a, trace::Index b) const;
  void Unite(const std::vector<trace::Index>& records);
  void SortRanges();
  size_t BeginBefore(const Ranges& ranges, trace::Index lock) const;
  bool Reaches(uint64_t end, trace::Index lock) const;

  const std::vector<trace::Lock>& locks_;
  // Of each record, asked for every dependency: a million records are more than a processor's caches hold.
  std::vector<uint8_t> answers_;
  std::vector<trace::Index> process_of_;
  absl::flat_hash_map<trace::Index, trace::Index> first_;  // of records that are not the first of their lock
  absl::flat_hash_map<trace::Index, uint16_t> flags_;      // of locks with several records
  absl::flat_hash_map<trace::Index, int32_t> files_;       // range -> index into ranges_
  std::vector<Ranges> ranges_;
};

}  // namespace gordian::analyze

#endif  // GORDIAN_LIBSYNC_ANALYZE_LOCK_IDENTITY_H_
