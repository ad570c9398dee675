#include "libsync/analyze/lock_identity.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "libsync/analyze/lookup.h"

namespace gordian::analyze {
namespace {

using trace::Index;
using trace::kNoIndex;

uint64_t EndOf(const trace::SharedIdentity& range) {
  return range.length == 0 ? UINT64_MAX : range.offset + range.length;
}

// flock and fcntl know nothing of each other.
bool IsFlock(const trace::Lock& lock) { return lock.kind == trace::LockKind::kFlock; }

}  // namespace

LockIdentity::LockIdentity(const std::vector<trace::Lock>& locks, std::vector<Index> process_of)
    : locks_(locks), process_of_(std::move(process_of)) {
  std::map<std::pair<trace::SharedIdentity, bool>, std::vector<Index>> shared;
  for (size_t l = 0; l < locks.size(); ++l) {
    if (locks[l].shared.has_value()) {
      shared[{*locks[l].shared, IsFlock(locks[l])}].push_back(static_cast<Index>(l));
    }
  }
  std::map<std::tuple<uint64_t, uint64_t, bool>, int32_t> files;
  for (const auto& [key, records] : shared) {
    if (!IsFileLock(locks[static_cast<size_t>(records.front())])) {
      Unite(records);
      continue;
    }
    for (const Index record : records) {
      if (record != records.front()) {
        first_[record] = records.front();
      }
    }
    const auto [file, is_new] = files.try_emplace({key.first.device, key.first.inode, key.second},
                                                  static_cast<int32_t>(ranges_.size()));
    if (is_new) {
      ranges_.emplace_back();
    }
    files_[records.front()] = file->second;
    ranges_[static_cast<size_t>(file->second)].by_begin.push_back(records.front());
    uint16_t flags = 0;
    for (const Index record : records) {
      flags |= locks[static_cast<size_t>(record)].flags;
    }
    flags_[records.front()] = flags;
  }
  SortRanges();
  answers_.reserve(locks.size());
  for (size_t l = 0; l < locks.size(); ++l) {
    answers_.push_back(AnswersFor(static_cast<Index>(l)));
  }
}

// In the order of time: an initialisation after the end of the object begins another lock.
void LockIdentity::Unite(const std::vector<Index>& records) {
  std::vector<Index> in_time = records;
  std::stable_sort(in_time.begin(), in_time.end(), [this](Index a, Index b) {
    return locks_[static_cast<size_t>(a)].born_ns < locks_[static_cast<size_t>(b)].born_ns;
  });
  std::vector<std::vector<Index>> lives(1);
  bool destroyed = false;
  for (const Index record : in_time) {
    const trace::Lock& lock = locks_[static_cast<size_t>(record)];
    if (destroyed && lock.create_stack != kNoIndex) {
      lives.emplace_back();
      destroyed = false;
    }
    lives.back().push_back(record);
    destroyed = destroyed || (lock.flags & trace::kDestroyed) != 0;
  }
  for (const std::vector<Index>& life : lives) {
    const Index first = *std::min_element(life.begin(), life.end());
    uint16_t flags = 0;
    for (const Index record : life) {
      flags |= locks_[static_cast<size_t>(record)].flags;
      if (record != first) {
        first_[record] = first;
      }
    }
    flags_[first] = flags;
  }
}

void LockIdentity::SortRanges() {
  for (Ranges& ranges : ranges_) {
    std::vector<Index>& by_begin = ranges.by_begin;
    ranges.first = *std::min_element(by_begin.begin(), by_begin.end());
    std::sort(by_begin.begin(), by_begin.end(), [this](Index a, Index b) {
      return std::pair(locks_[static_cast<size_t>(a)].shared->offset, a) <
             std::pair(locks_[static_cast<size_t>(b)].shared->offset, b);
    });
    uint64_t furthest = 0;
    for (const Index range : by_begin) {
      furthest = std::max(furthest, EndOf(*locks_[static_cast<size_t>(range)].shared));
      ranges.furthest.push_back(furthest);
    }
  }
}

size_t LockIdentity::BeginBefore(const Ranges& ranges, Index lock) const {
  const uint64_t end = EndOf(*locks_[static_cast<size_t>(lock)].shared);
  const auto after = std::partition_point(ranges.by_begin.begin(), ranges.by_begin.end(), [&](Index range) {
    return locks_[static_cast<size_t>(range)].shared->offset < end;
  });
  return static_cast<size_t>(after - ranges.by_begin.begin());
}

bool LockIdentity::Reaches(uint64_t end, Index lock) const {
  return end > locks_[static_cast<size_t>(lock)].shared->offset;
}

Index LockIdentity::Of(Index lock) const {
  if (At(locks_, lock) == nullptr) {
    return kNoIndex;
  }
  if (first_.empty()) {
    return lock;  // asked for every holding of every dependency
  }
  const auto found = first_.find(lock);
  return found != first_.end() ? found->second : lock;
}

uint8_t LockIdentity::AnswersFor(Index lock) const {
  const trace::Lock& record = locks_[static_cast<size_t>(lock)];
  const auto flags = flags_.find(Of(lock));
  const bool owned = IsOwnedKind(record.kind, flags != flags_.end() ? flags->second : record.flags);
  const bool keeps_out = !(process_of_.empty() && BelongsToProcess(record));
  return static_cast<uint8_t>((owned ? kOwned : 0) | (owned && !record.interpreter ? kReportable : 0) |
                              (keeps_out ? kKeepsOut : 0));
}

Index LockIdentity::Group(Index lock) const {
  const Index own = Of(lock);
  const auto file = files_.find(own);
  return file != files_.end() ? ranges_[static_cast<size_t>(file->second)].first : own;
}

bool LockIdentity::Overlap(Index a, Index b) const {
  const trace::SharedIdentity& left = *locks_[static_cast<size_t>(a)].shared;
  const trace::SharedIdentity& right = *locks_[static_cast<size_t>(b)].shared;
  return left.offset < EndOf(right) && right.offset < EndOf(left);
}

bool LockIdentity::InTheWay(Index wanted, Index held) const {
  const Index group = Group(wanted);
  if (group == kNoIndex || group != Group(held)) {
    return false;
  }
  const trace::Lock& lock = locks_[static_cast<size_t>(wanted)];
  if (files_.contains(Of(wanted)) && !Overlap(wanted, held)) {
    return false;
  }
  return !BelongsToProcess(lock) || !BelongsToProcess(locks_[static_cast<size_t>(held)]) ||
         (!process_of_.empty() &&
          process_of_[static_cast<size_t>(wanted)] != process_of_[static_cast<size_t>(held)]);
}

bool LockIdentity::Conflict(Index wanted, trace::Mode wanted_mode, Index held, trace::Mode held_mode) const {
  return analyze::Conflict(wanted_mode, held_mode) && InTheWay(wanted, held);
}

bool LockIdentity::OnlyRead(Index wanted, trace::Mode wanted_mode, Index held, trace::Mode held_mode) const {
  return !analyze::Conflict(wanted_mode, held_mode) && InTheWay(wanted, held);
}

}  // namespace gordian::analyze
