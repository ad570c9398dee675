#include "libsync/inspect/foreign_owners.h"

#include <algorithm>
#include <cstddef>
#include <optional>

namespace gordian::inspect {
namespace {

using trace::Index;

// Where a process has mapped what lies in this shared memory.
std::optional<uint64_t> AddressOf(const trace::SharedIdentity& identity, const AddressSpace& space) {
  const auto mapping =
      std::find_if(space.mappings.begin(), space.mappings.end(), [&identity](const Mapping& m) {
        return m.shared && m.device == identity.device && m.inode == identity.inode &&
               identity.offset >= m.offset && identity.offset - m.offset < m.end - m.start;
      });
  return mapping == space.mappings.end() ? std::nullopt
                                         : std::optional(mapping->start + identity.offset - mapping->offset);
}

void AddHolding(const trace::Lock& awaited, uint64_t address, const AddressSpace& space, Index owner,
                trace::Process* process) {
  auto lock = std::find_if(process->locks.begin(), process->locks.end(),
                           [&awaited](const trace::Lock& other) { return other.shared == awaited.shared; });
  if (lock == process->locks.end()) {
    trace::Lock copy = awaited;
    copy.ref = static_cast<trace::Ref>(process->locks.size() + 1);
    copy.address = address;
    copy.place = space.FrameAt(address);
    process->locks.push_back(copy);
    lock = process->locks.end() - 1;
  }
  trace::Holding holding;
  holding.lock = static_cast<Index>(lock - process->locks.begin());
  std::vector<trace::Holding>& held = process->threads[static_cast<size_t>(owner)].held;
  if (std::find(held.begin(), held.end(), holding) == held.end()) {
    held.push_back(holding);
  }
}

}  // namespace

void NameForeignOwners(const std::vector<ProcessFacts>& facts, trace::Run* run) {
  for (size_t p = 0; p < facts.size(); ++p) {
    for (const auto& [tid, wait] : facts[p].waits) {
      if (!wait.shared || wait.owner == 0 || facts[p].threads->contains(wait.owner)) {
        continue;
      }
      const trace::Process& waiter = run->processes[p];
      const auto lock = std::find_if(
          waiter.locks.begin(), waiter.locks.end(),
          [address = wait.address](const trace::Lock& l) { return l.shared && l.address == address; });
      if (lock == waiter.locks.end()) {
        continue;
      }
      const trace::Lock& awaited = *lock;  // stays: what is added is added to other processes
      std::vector<size_t> owners;
      for (size_t q = 0; q < facts.size(); ++q) {
        if (q != p && facts[q].threads->contains(wait.owner) && AddressOf(*awaited.shared, *facts[q].space)) {
          owners.push_back(q);
        }
      }
      if (owners.size() == 1) {
        const ProcessFacts& owner = facts[owners.front()];
        AddHolding(awaited, *AddressOf(*awaited.shared, *owner.space), *owner.space,
                   owner.threads->at(wait.owner), &run->processes[owners.front()]);
      }
    }
  }
}

}  // namespace gordian::inspect
