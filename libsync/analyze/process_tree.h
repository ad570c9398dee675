// Who started whom: joins what the traces of parents say about their children with what the watcher saw of
// them from outside.
//
// Thread safety: const after construction. The Run must outlive it unchanged.
#ifndef GORDIAN_LIBSYNC_ANALYZE_PROCESS_TREE_H_
#define GORDIAN_LIBSYNC_ANALYZE_PROCESS_TREE_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "libsync/trace/run.h"

namespace gordian::analyze {

// One process of the tree and where it was made. `process` is kNoIndex where the creator left no trace.
struct Descent {
  const trace::Observed* observed = nullptr;
  trace::Index process = trace::kNoIndex;  // the image that made it
  trace::Index child = trace::kNoIndex;    // index into its children
};

class ProcessTree {
 public:
  explicit ProcessTree(const trace::Run& run);

  // One for each of Run::observed, in its order.
  const std::vector<Descent>& descents() const { return descents_; }

  // The last image of a process, which ends with it; kNoIndex if it left no trace. `start_ticks` 0: any.
  trace::Index LastImage(int32_t pid, uint64_t start_ticks = 0) const;
  // The youngest of that pid that had begun by `start_ns`; nullptr if nobody saw it.
  const trace::Observed* ObservedBy(int32_t pid, uint64_t start_ns) const;
  // The process that is the parent of the root: the watcher, or whoever started the program.
  int32_t outside_pid() const { return outside_pid_; }

 private:
  void MatchByPid();
  void MatchByTime();

  const trace::Run& run_;
  std::vector<Descent> descents_;
  absl::flat_hash_map<int32_t, std::vector<size_t>> observed_of_pid_;
  absl::flat_hash_map<int32_t, std::vector<trace::Index>> images_of_pid_;
  int32_t outside_pid_ = 0;
};

}  // namespace gordian::analyze

#endif  // GORDIAN_LIBSYNC_ANALYZE_PROCESS_TREE_H_
