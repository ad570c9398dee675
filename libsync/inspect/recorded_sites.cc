#include "libsync/inspect/recorded_sites.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "libsync/trace/reader.h"

namespace gordian::inspect {
namespace {

using trace::Index;
using trace::kNoIndex;

template <typename T>
const T* At(const std::vector<T>& all, Index index) {
  return index < 0 || static_cast<size_t>(index) >= all.size() ? nullptr : &all[static_cast<size_t>(index)];
}

class Sites {
 public:
  Sites(const trace::Process& record, const std::map<pid_t, Index>& threads, trace::Process* seen)
      : record_(record), threads_(threads), seen_(seen) {}

  void Add() {
    for (size_t t = 0; t < record_.threads.size(); ++t) {
      const trace::Thread& thread = record_.threads[t];
      const Index index = SeenThread(static_cast<Index>(t));
      if (index != kNoIndex) {
        AddToThread(thread, &seen_->threads[static_cast<size_t>(index)]);
      }
    }
    for (trace::Lock& lock : seen_->locks) {
      AddToLock(&lock);
    }
  }

 private:
  // A number may have been given to several threads, one after the other: the last one lives.
  Index SeenThread(Index index) const {
    const trace::Thread* thread = At(record_.threads, index);
    if (thread == nullptr || thread->state == trace::ThreadState::kFinished) {
      return kNoIndex;
    }
    const auto found = threads_.find(thread->tid);
    return found == threads_.end() ? kNoIndex : found->second;
  }

  void AddToThread(const trace::Thread& from, trace::Thread* to) {
    to->create_stack = AddStack(from.create_stack);
    to->creator = SeenThread(from.creator);
    for (trace::Holding& held : to->held) {
      const trace::Lock* lock = At(seen_->locks, held.lock);
      if (lock != nullptr && lock->script) {
        continue;
      }
      const auto same = std::find_if(from.held.begin(), from.held.end(), [&](const trace::Holding& recorded) {
        const trace::Lock* other = At(record_.locks, recorded.lock);
        return lock != nullptr && other != nullptr && other->address == lock->address;
      });
      if (same != from.held.end()) {
        held.stack = AddStack(same->stack);
      }
    }
  }

  // Of several that lay at one address, the youngest. What the record has of an interpreter's lock is the
  // semaphore that it is made of.
  void AddToLock(trace::Lock* lock) {
    if (lock->script) {
      return;
    }
    const auto recorded =
        std::find_if(record_.locks.rbegin(), record_.locks.rend(),
                     [lock](const trace::Lock& other) { return other.address == lock->address; });
    if (recorded == record_.locks.rend()) {
      return;
    }
    lock->create_stack = AddStack(recorded->create_stack);
    lock->first_stack = AddStack(recorded->first_stack);
    lock->creator = SeenThread(recorded->creator);
    lock->name = recorded->name;
    lock->interpreter = recorded->interpreter;
  }

  Index AddStack(Index index) {
    const trace::Stack* stack = At(record_.stacks, index);
    if (stack == nullptr) {
      return kNoIndex;
    }
    const auto [known, is_new] = stacks_.try_emplace(index, static_cast<Index>(seen_->stacks.size()));
    if (is_new) {
      trace::Stack copy;
      for (const trace::Frame& frame : stack->frames) {
        copy.frames.push_back(FrameOf(frame));
      }
      seen_->stacks.push_back(std::move(copy));
    }
    return known->second;
  }

  // The same object by its place: each list has an order of its own.
  trace::Frame FrameOf(const trace::Frame& frame) const {
    const trace::Module* module = At(record_.modules, frame.module);
    if (module == nullptr) {
      return frame;
    }
    const auto same =
        std::find_if(seen_->modules.begin(), seen_->modules.end(), [module](const trace::Module& other) {
          return module->start >= other.start && module->start < other.end;
        });
    if (same == seen_->modules.end()) {
      return {kNoIndex, module->start + frame.offset};
    }
    return {static_cast<Index>(same - seen_->modules.begin()), module->start - same->start + frame.offset};
  }

  const trace::Process& record_;
  const std::map<pid_t, Index>& threads_;
  trace::Process* seen_;
  std::map<Index, Index> stacks_;
};

}  // namespace

std::optional<trace::Process> ReadRecord(pid_t pid, uint64_t start_ticks, const AddressSpace& space) {
  const auto mapping = std::find_if(space.mappings.begin(), space.mappings.end(),
                                    [](const Mapping& m) { return m.shared && m.path.ends_with(".trace"); });
  if (mapping == space.mappings.end()) {
    return std::nullopt;
  }
  std::string why;
  std::optional<trace::Process> record = trace::ReadProcess(SeenFromHere(pid, mapping->path), &why, true);
  if (record && record->start_ticks != start_ticks) {
    record.reset();
  }
  return record;
}

void AddRecordedSites(const trace::Process& record, const std::map<pid_t, trace::Index>& threads,
                      trace::Process* seen) {
  Sites(record, threads, seen).Add();
}

}  // namespace gordian::inspect
