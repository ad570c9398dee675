// Gates: what keeps two acquisitions from ever being attempted at the same time.
//
// A gate is an acquisition of a lock, not the lock. Two threads that hold the same lock hold it by different
// acquisitions, so one of them waits for the other: they gate each other. A child whose creator holds a lock
// from before the create until after the join runs under the creator's acquisition: it is gated against every
// other acquisition of that lock, but not against its siblings under the same one, nor against its creator.
//
// So it is with processes: all threads of a child that its parent reaps while holding the lock still run
// under the parent's acquisition.
//
// Thread safety: none.
#ifndef GORDIAN_LIBSYNC_ANALYZE_GATES_H_
#define GORDIAN_LIBSYNC_ANALYZE_GATES_H_

#include <cstdint>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "libsync/analyze/lock_identity.h"
#include "libsync/trace/run.h"

namespace gordian::analyze {

class Gates {
 public:
  // Equal numbers mean equal gates; there are far fewer of them than dependencies.
  using SetId = int32_t;

  // What a child process runs under, beside what the thread that made it runs under itself.
  struct Frame {
    trace::Index maker = trace::kNoIndex;
    std::vector<trace::Holding> held;  // by the maker, from the creation until it knew of the end
  };

  // `frame_of` names the frame of each thread, -1 for none; it may be empty.
  Gates(const trace::Process& process, const LockIdentity& locks, const std::vector<Frame>& frames = {},
        const std::vector<int32_t>& frame_of = {});

  // The gates under which `thread` acts while it holds `held`.
  SetId Intern(trace::Index thread, const std::vector<trace::Holding>& held);

  // A lock that keeps the two sets, of two distinct threads, apart; kNoIndex if none does.
  trace::Index Common(SetId a, SetId b);

 private:
  struct Gate {
    trace::Index group = trace::kNoIndex;  // of locks that can be in each other's way
    trace::Index lock = trace::kNoIndex;
    trace::Mode mode = trace::Mode::kExclusive;
    // Who made the acquisition. kNoIndex: the holding thread itself, and no child runs under it.
    trace::Index owner = trace::kNoIndex;
    // Which of the owner's acquisitions; kOwn for the owner itself: while a child lives under one of them the
    // owner stands in that one, and everything before and after is ordered by the create and the join.
    uint32_t acquisition = kOwn;
    auto operator<=>(const Gate&) const = default;
  };
  static constexpr uint32_t kOwn = 0;

  static bool SameAcquisition(const Gate& a, const Gate& b);
  const std::vector<Gate>& InheritedBy(trace::Index thread);
  void Inherit(trace::Index maker, const trace::Holding& held, std::vector<Gate>* gates);

  const trace::Process& process_;
  const LockIdentity& locks_;
  std::vector<std::vector<Gate>> inherited_;
  std::vector<bool> has_heirs_;
  std::vector<std::vector<Gate>> sets_;
  absl::flat_hash_map<uint64_t, std::vector<SetId>> ids_;
  absl::flat_hash_map<uint64_t, trace::Index> common_;
};

}  // namespace gordian::analyze

#endif  // GORDIAN_LIBSYNC_ANALYZE_GATES_H_
