#include "libsync/analyze/process_tree.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "libsync/analyze/lookup.h"

namespace gordian::analyze {
namespace {

using trace::Index;
using trace::kNoIndex;

// The kernel tells start times to its tick, rounded down.
constexpr uint64_t kTickNs = 10'000'000;
// How long a call that does not say the pid may take to bring its child to life.
constexpr uint64_t kCreateNs = 50'000'000;

uint64_t Distance(uint64_t a, uint64_t b) { return a > b ? a - b : b - a; }

}  // namespace

ProcessTree::ProcessTree(const trace::Run& run) : run_(run) {
  for (const trace::Observed& observed : run.observed) {
    observed_of_pid_[observed.pid].push_back(descents_.size());
    descents_.push_back({&observed, kNoIndex, kNoIndex});
    if (observed.pid == run.root_pid) {
      outside_pid_ = observed.creator;
    }
  }
  for (size_t p = 0; p < run.processes.size(); ++p) {
    const trace::Process& process = run.processes[p];
    images_of_pid_[process.pid].push_back(static_cast<Index>(p));
    if (process.pid == run.root_pid && process.image == 0 && outside_pid_ == 0) {
      outside_pid_ = process.ppid;
    }
  }
  MatchByPid();
  MatchByTime();
}

// A pid may have been used more than once: the call and the process that began nearest to each other belong
// together.
void ProcessTree::MatchByPid() {
  std::vector<uint64_t> distance(descents_.size(), UINT64_MAX);
  for (size_t p = 0; p < run_.processes.size(); ++p) {
    const std::vector<trace::Child>& children = run_.processes[p].children;
    for (size_t c = 0; c < children.size(); ++c) {
      const auto same_pid = observed_of_pid_.find(children[c].pid);
      if (children[c].pid <= 0 || (children[c].flags & trace::kCreateFailed) != 0 ||
          same_pid == observed_of_pid_.end()) {
        continue;
      }
      const auto from_call = [&](size_t d) {
        return Distance(descents_[d].observed->start_ns, children[c].start_ns);
      };
      const size_t nearest =
          *std::min_element(same_pid->second.begin(), same_pid->second.end(),
                            [&](size_t a, size_t b) { return from_call(a) < from_call(b); });
      if (from_call(nearest) < distance[nearest]) {
        distance[nearest] = from_call(nearest);
        descents_[nearest].process = static_cast<Index>(p);
        descents_[nearest].child = static_cast<Index>(c);
      }
    }
  }
}

// vfork, popen and system do not tell the parent's hook a pid: the next process of this parent is meant.
void ProcessTree::MatchByTime() {
  absl::flat_hash_map<int32_t, std::vector<size_t>> by_creator;
  for (size_t d = 0; d < descents_.size(); ++d) {
    if (descents_[d].child == kNoIndex) {
      by_creator[descents_[d].observed->creator].push_back(d);
    }
  }
  for (auto& [creator, created] : by_creator) {
    std::stable_sort(created.begin(), created.end(), [this](size_t a, size_t b) {
      return descents_[a].observed->start_ns < descents_[b].observed->start_ns;
    });
  }
  std::vector<std::tuple<uint64_t, Index, Index>> unknown;
  for (size_t p = 0; p < run_.processes.size(); ++p) {
    const std::vector<trace::Child>& children = run_.processes[p].children;
    for (size_t c = 0; c < children.size(); ++c) {
      if (children[c].pid == 0 && (children[c].flags & trace::kCreateFailed) == 0) {
        unknown.emplace_back(children[c].start_ns, static_cast<Index>(p), static_cast<Index>(c));
      }
    }
  }
  std::sort(unknown.begin(), unknown.end());
  for (const auto& [start, process, child] : unknown) {
    const auto created = by_creator.find(run_.processes[static_cast<size_t>(process)].pid);
    if (created == by_creator.end()) {
      continue;
    }
    for (const size_t d : created->second) {
      const uint64_t began = descents_[d].observed->start_ns;
      if (descents_[d].child == kNoIndex && began + kTickNs >= start && began <= start + kCreateNs) {
        descents_[d].process = process;
        descents_[d].child = child;
        break;
      }
    }
  }
}

Index ProcessTree::LastImage(int32_t pid, uint64_t start_ticks) const {
  const auto images = images_of_pid_.find(pid);
  Index last = kNoIndex;
  for (const Index p : images != images_of_pid_.end() ? images->second : std::vector<Index>{}) {
    const trace::Process& process = run_.processes[static_cast<size_t>(p)];
    const trace::Process* best = At(run_.processes, last);
    if ((start_ticks == 0 || process.start_ticks == start_ticks) &&
        (best == nullptr ||
         std::tie(process.start_ns, process.image) >= std::tie(best->start_ns, best->image))) {
      last = p;
    }
  }
  return last;
}

const trace::Observed* ProcessTree::ObservedBy(int32_t pid, uint64_t start_ns) const {
  const auto same_pid = observed_of_pid_.find(pid);
  const trace::Observed* found = nullptr;
  for (const size_t d : same_pid != observed_of_pid_.end() ? same_pid->second : std::vector<size_t>{}) {
    const trace::Observed* observed = descents_[d].observed;
    if (observed->start_ns <= start_ns + kTickNs &&
        (found == nullptr || observed->start_ns > found->start_ns)) {
      found = observed;
    }
  }
  return found;
}

}  // namespace gordian::analyze
