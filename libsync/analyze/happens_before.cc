#include "libsync/analyze/happens_before.h"

#include <algorithm>
#include <utility>

#include "libsync/analyze/lookup.h"

namespace gordian::analyze {
namespace {

// Numbers kept before all is forgotten: 16 bytes each in the map, so some 64 MiB.
constexpr size_t kMaxRemembered = size_t{1} << 21;

// A folded dependency was seen in its first segment; the others belong to further instances.
size_t OwnSegments(const trace::Dependency& dependency) {
  return (dependency.flags & trace::kFolded) != 0 ? std::min<size_t>(1, dependency.segments.size())
                                                  : dependency.segments.size();
}

}  // namespace

HappensBefore::HappensBefore(const trace::Process& process) : process_(process) {
  const auto count = process.threads.size();
  children_.resize(count);
  leads_elsewhere_.resize(count);
  for (size_t t = 0; t < count; ++t) {
    if (At(process.threads, process.threads[t].creator) != nullptr) {
      children_[static_cast<size_t>(process.threads[t].creator)].push_back(static_cast<trace::Index>(t));
    }
  }
  for (size_t t = 0; t < count; ++t) {
    const trace::Thread* thread = &process.threads[t];
    if (At(process.threads, thread->joiner) == nullptr || thread->joiner == thread->creator) {
      continue;
    }
    // Stops at a marked ancestor: everything above it is marked already. Ends also where creators form a
    // ring.
    auto up = static_cast<trace::Index>(t);
    while (At(process.threads, up) != nullptr && !leads_elsewhere_[static_cast<size_t>(up)]) {
      leads_elsewhere_[static_cast<size_t>(up)] = true;
      up = process.threads[static_cast<size_t>(up)].creator;
    }
  }
}

HappensBefore::Reach HappensBefore::Search(trace::Index thread, uint32_t segment) const {
  Reach reach;
  std::vector<std::pair<trace::Index, uint32_t>> open = {{thread, segment}};
  while (!open.empty()) {
    const auto [at, from] = open.back();
    open.pop_back();
    const trace::Thread* here = At(process_.threads, at);
    if (here == nullptr) {
      continue;
    }
    const auto [known, is_new] = reach.try_emplace(at, from);
    if (!is_new && known->second <= from) {
      continue;
    }
    known->second = from;
    open.emplace_back(here->joiner, here->joiner_segment);
    for (const trace::Index child : children_[static_cast<size_t>(at)]) {
      const auto c = static_cast<size_t>(child);
      if (leads_elsewhere_[c] && process_.threads[c].creator_segment >= from) {
        open.emplace_back(child, 0);
      }
    }
  }
  return reach;
}

const HappensBefore::Reach& HappensBefore::ReachOf(trace::Index thread, uint32_t segment) {
  const uint64_t key = (static_cast<uint64_t>(static_cast<uint32_t>(thread)) << 32) | segment;
  const auto found = memo_.find(key);
  if (found != memo_.end()) {
    return found->second;
  }
  Reach reach = Search(thread, segment);
  if (remembered_ + reach.size() > kMaxRemembered) {
    memo_.clear();
    remembered_ = 0;
  }
  remembered_ += reach.size();
  return memo_.emplace(key, std::move(reach)).first->second;
}

bool HappensBefore::Ordered(trace::Index a, uint32_t i, trace::Index b, uint32_t j) {
  const Reach& reach = ReachOf(a, i);
  // Backward from b: a thread's beginning follows its creator's segments up to creator_segment.
  for (size_t steps = 0; steps <= process_.threads.size(); ++steps) {
    const auto found = reach.find(b);
    if (found != reach.end() && found->second <= j) {
      return true;
    }
    const trace::Thread* thread = At(process_.threads, b);
    if (thread == nullptr || thread->creator == trace::kNoIndex) {
      return false;
    }
    j = thread->creator_segment;
    b = thread->creator;
  }
  return false;
}

bool HappensBefore::MayOverlap(const trace::Dependency& a, const trace::Dependency& b) {
  for (size_t i = 0; i < OwnSegments(a); ++i) {
    for (size_t j = 0; j < OwnSegments(b); ++j) {
      if (MayOverlap(a.thread, a.segments[i], b.thread, b.segments[j])) {
        return true;
      }
    }
  }
  return false;
}

}  // namespace gordian::analyze
