// Which images of a run are one process, who made it, and who knew of its end.
//
// Thread safety: const after construction. The Run must outlive it unchanged.
#ifndef GORDIAN_LIBSYNC_ANALYZE_LINEAGE_H_
#define GORDIAN_LIBSYNC_ANALYZE_LINEAGE_H_

#include <cstdint>
#include <vector>

#include "libsync/trace/run.h"

namespace gordian::analyze {

class Lineage {
 public:
  explicit Lineage(const trace::Run& run);

  // Where a process was made: an image and its record of the child. kNoIndex: nobody of the run knows.
  struct Made {
    trace::Index process = trace::kNoIndex;
    trace::Index child = trace::kNoIndex;
  };
  // Of the process that `image` is one of.
  const Made& MadeBy(trace::Index image) const { return process_of(image).made; }
  const trace::Child* ChildOf(trace::Index image) const;
  // The images of the process, in the order of time.
  const std::vector<trace::Index>& ImagesOf(trace::Index image) const { return process_of(image).images; }
  // The images of a child; none if it left no trace.
  std::vector<trace::Index> ImagesOfChild(trace::Index process, trace::Index child) const;

  struct Life {
    trace::Index process = trace::kNoIndex;   // one number for all images of a process
    trace::Index ancestor = trace::kNoIndex;  // the first of its line in the run
    uint64_t start_ns = 0;
    uint64_t end_ns = UINT64_MAX;
    // Every creation and every reaping between the ancestor and this process would be known.
    bool certain = false;
  };
  Life LifeOf(trace::Index image) const;

 private:
  struct OneProcess {
    std::vector<trace::Index> images;
    Made made;
  };
  const OneProcess& process_of(trace::Index image) const {
    return processes_[static_cast<size_t>(number_[static_cast<size_t>(image)])];
  }
  void FindMakers();

  const trace::Run& run_;
  std::vector<trace::Index> number_;  // of the process, by image
  std::vector<OneProcess> processes_;
};

}  // namespace gordian::analyze

#endif  // GORDIAN_LIBSYNC_ANALYZE_LINEAGE_H_
