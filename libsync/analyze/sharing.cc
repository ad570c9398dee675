#include "libsync/analyze/sharing.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <set>
#include <tuple>

#include "libsync/analyze/lookup.h"

namespace gordian::analyze {
namespace {

using trace::Index;

// One object of several processes. Ranges of one file are different locks that may overlap: they are one.
using Object = std::tuple<trace::SharedSpace, uint64_t, uint64_t, uint64_t, bool>;

Object ObjectOf(const trace::Lock& lock) {
  const trace::SharedIdentity& shared = *lock.shared;
  return {shared.space, shared.device, shared.inode, IsFileLock(lock) ? 0 : shared.offset,
          lock.kind == trace::LockKind::kFlock};
}

struct Use {
  std::set<Index> images;
  std::set<Index> nested_in;  // images that hold it while they wait, or wait for it while they hold something
  std::set<trace::SharedIdentity> locks;
};

bool MayBeBetweenProcesses(const trace::Lock& lock) {
  return lock.shared.has_value() && !lock.interpreter && lock.kind != trace::LockKind::kCondition &&
         lock.kind != trace::LockKind::kBarrier;
}

void AddUses(const trace::Process& process, Index image, std::map<Object, Use>* uses) {
  if (std::none_of(process.locks.begin(), process.locks.end(), MayBeBetweenProcesses)) {
    return;  // most have none, and may have very many dependencies
  }
  std::map<Index, bool> nested;  // by lock
  const auto add = [&](Index index, bool is_nested) {
    const trace::Lock* lock = At(process.locks, index);
    if (lock != nullptr && MayBeBetweenProcesses(*lock)) {
      nested[index] |= is_nested;
    }
  };
  for (const trace::Dependency& dependency : process.dependencies) {
    add(dependency.lock, !dependency.held.empty());
    for (const trace::Holding& held : dependency.held) {
      add(held.lock, true);
    }
  }
  for (const auto& [index, is_nested] : nested) {
    const trace::Lock& lock = process.locks[static_cast<size_t>(index)];
    Use& use = (*uses)[ObjectOf(lock)];
    use.images.insert(image);
    use.locks.insert(*lock.shared);
    if (is_nested) {
      use.nested_in.insert(image);
    }
  }
}

// Waits that hang with a single lock between processes: for a child, or once more for a lock that lets
// writers go first.
bool NeedsNoSecondLock(const trace::Process& process) {
  return std::any_of(
      process.dependencies.begin(), process.dependencies.end(), [&process](const trace::Dependency& wait) {
        if ((wait.flags & trace::kAwaitsChild) != 0) {
          return !wait.held.empty();
        }
        const trace::Lock* lock = At(process.locks, wait.lock);
        return lock != nullptr && lock->kind == trace::LockKind::kWriterRwlock &&
               std::any_of(wait.held.begin(), wait.held.end(),
                           [&wait](const trace::Holding& held) { return held.lock == wait.lock; });
      });
}

size_t ProcessesOf(const std::set<Index>& images, const Lineage& lineage) {
  std::set<Index> processes;
  for (const Index image : images) {
    processes.insert(lineage.ImagesOf(image).front());
  }
  return processes.size();
}

// Disjoint sets of images.
class Groups {
 public:
  explicit Groups(size_t count) : leader_(count) { std::iota(leader_.begin(), leader_.end(), 0); }
  Index Find(Index image) const {
    while (leader_[static_cast<size_t>(image)] != image) {
      image = leader_[static_cast<size_t>(image)];
    }
    return image;
  }
  void Unite(Index a, Index b) { leader_[static_cast<size_t>(Find(a))] = Find(b); }

 private:
  std::vector<Index> leader_;
};

}  // namespace

std::vector<std::vector<Index>> ProcessesThatShare(const trace::Run& run, const Lineage& lineage) {
  std::map<Object, Use> uses;
  for (size_t p = 0; p < run.processes.size(); ++p) {
    AddUses(run.processes[p], static_cast<Index>(p), &uses);
  }
  std::erase_if(uses, [&lineage](const auto& use) { return ProcessesOf(use.second.images, lineage) < 2; });
  Groups groups(run.processes.size());
  for (const auto& [object, use] : uses) {
    for (const Index image : use.images) {
      groups.Unite(image, *use.images.begin());
    }
  }
  std::map<Index, size_t> locks_between;  // by group
  std::map<Index, std::set<Index>> members;
  for (const auto& [object, use] : uses) {
    const Index group = groups.Find(*use.images.begin());
    members[group].insert(use.images.begin(), use.images.end());
    if (ProcessesOf(use.nested_in, lineage) > 1) {
      locks_between[group] += use.locks.size();
    }
  }
  std::vector<std::vector<Index>> result;
  for (const auto& [group, images] : members) {
    const bool one_is_enough = std::any_of(images.begin(), images.end(), [&run](Index image) {
      return NeedsNoSecondLock(run.processes[static_cast<size_t>(image)]);
    });
    if (locks_between[group] > 1 || one_is_enough) {
      result.emplace_back(images.begin(), images.end());
    }
  }
  return result;
}

}  // namespace gordian::analyze
