#include "libsync/analyze/lineage.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "libsync/analyze/lookup.h"
#include "libsync/analyze/process_tree.h"

namespace gordian::analyze {
namespace {

using trace::Index;
using trace::kNoIndex;

// More generations than that are a ring of makers in a damaged trace.
constexpr int kMostGenerations = 1000;

}  // namespace

Lineage::Lineage(const trace::Run& run) : run_(run) {
  std::map<std::pair<int32_t, uint64_t>, Index> known;
  for (size_t p = 0; p < run.processes.size(); ++p) {
    const trace::Process& image = run.processes[p];
    const auto [found, is_new] =
        known.try_emplace({image.pid, image.start_ticks}, static_cast<Index>(processes_.size()));
    if (is_new) {
      processes_.emplace_back();
    }
    number_.push_back(found->second);
    processes_[static_cast<size_t>(found->second)].images.push_back(static_cast<Index>(p));
  }
  for (OneProcess& process : processes_) {
    std::stable_sort(process.images.begin(), process.images.end(), [&run](Index a, Index b) {
      const trace::Process& left = run.processes[static_cast<size_t>(a)];
      const trace::Process& right = run.processes[static_cast<size_t>(b)];
      return std::tie(left.start_ns, left.image) < std::tie(right.start_ns, right.image);
    });
  }
  FindMakers();
}

// By what the watcher saw from outside where it did, else by pid alone.
void Lineage::FindMakers() {
  const ProcessTree tree(run_);
  std::map<int32_t, std::vector<Made>> children_of_pid;
  for (size_t p = 0; p < run_.processes.size(); ++p) {
    const std::vector<trace::Child>& children = run_.processes[p].children;
    for (size_t c = 0; c < children.size(); ++c) {
      if (children[c].pid > 0 && (children[c].flags & trace::kCreateFailed) == 0) {
        children_of_pid[children[c].pid].push_back({static_cast<Index>(p), static_cast<Index>(c)});
      }
    }
  }
  for (OneProcess& process : processes_) {
    const trace::Process& first = run_.processes[static_cast<size_t>(process.images.front())];
    const trace::Observed* observed = tree.ObservedBy(first.pid, first.start_ns);
    if (observed != nullptr) {
      const Descent& descent = tree.descents()[static_cast<size_t>(observed - run_.observed.data())];
      process.made = {descent.process, descent.child};
    }
    if (process.made.child == kNoIndex) {
      uint64_t latest = 0;
      for (const Made& made : children_of_pid[first.pid]) {
        const trace::Process& maker = run_.processes[static_cast<size_t>(made.process)];
        const uint64_t start_ns = maker.children[static_cast<size_t>(made.child)].start_ns;
        if (maker.pid != first.pid && start_ns <= first.start_ns && start_ns >= latest) {
          latest = start_ns;
          process.made = made;
        }
      }
    }
  }
}

const trace::Child* Lineage::ChildOf(Index image) const {
  const Made& made = MadeBy(image);
  const trace::Process* maker = At(run_.processes, made.process);
  return maker != nullptr ? At(maker->children, made.child) : nullptr;
}

std::vector<Index> Lineage::ImagesOfChild(Index process, Index child) const {
  for (const OneProcess& candidate : processes_) {
    if (candidate.made.process == process && candidate.made.child == child && child != kNoIndex) {
      return candidate.images;
    }
  }
  return {};
}

Lineage::Life Lineage::LifeOf(Index image) const {
  Life life;
  life.process = number_[static_cast<size_t>(image)];
  life.certain = true;
  const std::vector<Index>& images = ImagesOf(image);
  life.start_ns = run_.processes[static_cast<size_t>(images.front())].start_ns;
  const trace::Process& last = run_.processes[static_cast<size_t>(images.back())];
  const trace::Child* child = ChildOf(image);
  if (last.ended && last.end != trace::End::kExec && last.end_ns != 0) {
    life.end_ns = last.end_ns;
  } else if (child != nullptr && child->reap_ns != 0) {
    life.end_ns = child->reap_ns;
  }
  Index up = image;
  int generations = 0;
  for (; ChildOf(up) != nullptr && generations < kMostGenerations; ++generations) {
    const trace::Child& link = *ChildOf(up);
    // pclose knows of the end of a child that no hook can name.
    life.certain = life.certain && (link.how != trace::ChildHow::kPopen || link.reaper != kNoIndex);
    up = MadeBy(up).process;
  }
  life.certain = life.certain && generations < kMostGenerations;
  life.ancestor = number_[static_cast<size_t>(up)];
  return life;
}

}  // namespace gordian::analyze
