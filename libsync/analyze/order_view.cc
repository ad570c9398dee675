#include "libsync/analyze/order_view.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "libsync/analyze/lookup.h"

namespace gordian::analyze {
namespace {

using trace::Dependency;
using trace::Index;
using trace::kNoIndex;

// A join that can wait for good and that nothing but luck puts after what the thread did.
bool IsOpenJoin(const trace::Process& process, const Dependency& dependency) {
  return (dependency.flags & (trace::kAwaitsThread | trace::kSoftOrdered)) == trace::kAwaitsThread &&
         At(process.threads, dependency.awaited_thread) != nullptr &&
         At(process.threads, dependency.thread) != nullptr;
}

bool HoldsAnything(const trace::Process& process, const Dependency& dependency) {
  return std::any_of(dependency.held.begin(), dependency.held.end(), [&](const trace::Holding& held) {
    const trace::Lock* lock = At(process.locks, held.lock);
    return lock != nullptr && IsReportable(*lock);
  });
}

}  // namespace

OrderView::OrderView(const trace::Process& process) : process_(&process) {
  FindEnds(process);
  if (!ends_.empty()) {
    own_.threads = process.threads;
    own_.locks = process.locks;
    own_.dependencies = process.dependencies;
    process_ = &own_;
    AddEnds();
  }
}

void OrderView::FindEnds(const trace::Process& process) {
  absl::flat_hash_map<Index, std::vector<Index>> joined_by;
  absl::flat_hash_set<Index> found;
  std::vector<Index> open;
  for (const Dependency& dependency : process.dependencies) {
    if (!IsOpenJoin(process, dependency)) {
      continue;
    }
    joined_by[dependency.thread].push_back(dependency.awaited_thread);
    if (HoldsAnything(process, dependency) && found.insert(dependency.awaited_thread).second) {
      open.push_back(dependency.awaited_thread);
    }
  }
  while (!open.empty()) {
    const Index thread = open.back();
    open.pop_back();
    ends_.push_back(thread);
    for (const Index next : joined_by[thread]) {
      if (found.insert(next).second) {
        open.push_back(next);
      }
    }
  }
  std::sort(ends_.begin(), ends_.end());
}

void OrderView::AddEnds() {
  const size_t locks = own_.locks.size();
  own_.locks.resize(locks + ends_.size());
  absl::flat_hash_map<Index, Index> end_of;
  for (size_t e = 0; e < ends_.size(); ++e) {
    end_of[ends_[e]] = static_cast<Index>(locks + e);
  }
  for (Dependency& dependency : own_.dependencies) {
    if (IsOpenJoin(own_, dependency)) {
      const auto awaited = end_of.find(dependency.awaited_thread);
      dependency.lock = awaited != end_of.end() ? awaited->second : kNoIndex;
    }
    if (const auto self = end_of.find(dependency.thread); self != end_of.end()) {
      trace::Holding own_end;
      own_end.lock = self->second;
      dependency.held.push_back(own_end);
    }
  }
}

Index OrderView::ThreadOfEnd(Index lock) const {
  const size_t first = process_->locks.size() - ends_.size();
  const bool is_end = lock != kNoIndex && static_cast<size_t>(lock) >= first &&
                      static_cast<size_t>(lock) < process_->locks.size();
  return is_end ? ends_[static_cast<size_t>(lock) - first] : kNoIndex;
}

Index OrderView::EndOfThread(Index thread) const {
  const auto found = std::lower_bound(ends_.begin(), ends_.end(), thread);
  return found != ends_.end() && *found == thread
             ? static_cast<Index>(process_->locks.size() - ends_.size() +
                                  static_cast<size_t>(found - ends_.begin()))
             : kNoIndex;
}

}  // namespace gordian::analyze
