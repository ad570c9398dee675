// Names stacks and lock classes by what they are, not by where they stand in one trace: equal keys mean the
// same code or the same class of lock, in whatever process, order or thread it was recorded.
//
// Thread safety: none (keys are remembered). The Run must outlive it unchanged.
#ifndef GORDIAN_LIBSYNC_ANALYZE_CONTENT_H_
#define GORDIAN_LIBSYNC_ANALYZE_CONTENT_H_

#include <cstdint>
#include <string>

#include "absl/container/node_hash_map.h"
#include "libsync/trace/run.h"

namespace gordian::analyze {

class Content {
 public:
  explicit Content(const trace::Run& run) : run_(run) {}

  // Modules and offsets of the frames; empty for no stack.
  const std::string& Stack(trace::Index process, trace::Index stack);

  // The user's name, else the static place, else the creation stack, else the first acquisition. A lock with
  // none of them is a class of its own.
  const std::string& LockClass(trace::Index process, trace::Index lock);

 private:
  std::string Frame(const trace::Process& process, const trace::Frame& frame) const;

  const trace::Run& run_;
  absl::node_hash_map<uint64_t, std::string> stacks_;
  absl::node_hash_map<uint64_t, std::string> classes_;
};

}  // namespace gordian::analyze

#endif  // GORDIAN_LIBSYNC_ANALYZE_CONTENT_H_
