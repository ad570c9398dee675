#include "cli/watch/lost_locks.h"

#include <algorithm>
#include <optional>

#include "libsync/analyze/lookup.h"

namespace gordian::cli {
namespace {

// Of a lock on a file, which a fork shares, the flag only says that a child could give it back.
bool IsHandedOver(const trace::Lock& lock) {
  return (lock.flags & trace::kHandOff) != 0 && !analyze::IsFileLock(lock);
}

// The end of its holder does not give it back.
const trace::Lock* LeftLocked(const trace::Process& process, const trace::Holding& held) {
  const trace::Lock* lock = analyze::At(process.locks, held.lock);
  const bool stays = lock != nullptr && lock->shared.has_value() && !lock->interpreter &&
                     (lock->flags & (trace::kRobust | trace::kDestroyed)) == 0 && !IsHandedOver(*lock);
  return stays ? lock : nullptr;
}

}  // namespace

void LostLocks::Learn(const std::deque<trace::Process>& ended) {
  for (; learnt_ < ended.size(); ++learnt_) {
    const trace::Process& process = ended[learnt_];
    for (const trace::Lock& lock : process.locks) {
      if (lock.shared.has_value() && IsHandedOver(lock)) {
        handed_over_.insert(*lock.shared);
      }
    }
    if (analyze::EndedItself(process) || process.end == trace::End::kExec) {
      continue;
    }
    const size_t before = lost_.size();
    for (const trace::Thread& thread : process.threads) {
      for (const trace::Holding& held : thread.held) {
        if (const trace::Lock* lock = LeftLocked(process, held)) {
          lost_.insert(*lock->shared);
        }
      }
    }
    if (lost_.size() != before) {
      holders_.push_back(learnt_);
    }
  }
}

std::vector<trace::Process> LostLocks::Holders(const std::deque<trace::Process>& ended, size_t count) const {
  std::vector<trace::Process> holders;
  for (const size_t index : holders_) {
    if (index >= count) {
      break;
    }
    trace::Process process = ended[index];
    for (trace::Thread& thread : process.threads) {
      std::erase_if(thread.held, [&](const trace::Holding& held) {
        const trace::Lock* lock = LeftLocked(process, held);
        return lock != nullptr && handed_over_.contains(*lock->shared);
      });
    }
    holders.push_back(std::move(process));
  }
  return holders;
}

const std::set<trace::Ref>& LostLocks::In(const LiveTrace& trace, TraceSet* traces) {
  Known& known = known_[trace.path];
  if (known.facts == trace.header.facts && known.holders == holders_.size()) {
    return known.refs;
  }
  known = {trace.header.facts, holders_.size(), {}};
  const std::optional<trace::Process> process = IsEmpty() ? std::nullopt : traces->Read(trace);
  if (process.has_value()) {
    for (const trace::Lock& lock : process->locks) {
      if (lock.shared.has_value() && lost_.contains(*lock.shared)) {
        known.refs.insert(lock.ref);
      }
    }
  }
  return known.refs;
}

}  // namespace gordian::cli
