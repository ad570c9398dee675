#include "libsync/trace/stream.h"

#include <algorithm>

namespace gordian::trace {
namespace {

constexpr int kTypeShift = 28;
constexpr uint32_t kPositionMask = (1u << kTypeShift) - 1;

}  // namespace

size_t MinimalSize(Type type) {
  switch (type) {
    case Type::kNone:
      break;
    case Type::kModule:
      return offsetof(ModuleRecord, path);
    case Type::kStack:
      return offsetof(StackRecord, frames);
    case Type::kThread:
      return sizeof(ThreadRecord);
    case Type::kSlot:
      return sizeof(SlotRecord);
    case Type::kLock:
      return sizeof(LockRecord);
    case Type::kDependency:
      return offsetof(DependencyRecord, held);
    case Type::kChild:
      return sizeof(ChildRecord);
    case Type::kEvent:
      return sizeof(EventRecord);
    case Type::kHeldSet:
      return offsetof(HeldSetRecord, held);
    case Type::kString:
      return offsetof(StringRecord, text);
    case Type::kShared:
      return sizeof(SharedRecord);
    case Type::kFileUpdate:
      return sizeof(FileUpdateRecord);
    case Type::kProfile:
      return sizeof(ProfileRecord);
    case Type::kCode:
      return offsetof(CodeRecord, text);
  }
  return 0;
}

RecordStream::RecordStream(std::string_view bytes) : bytes_(bytes) {
  const size_t places = bytes.size() / kRecordAlign;
  if (places <= kStreamOffset / kRecordAlign) {
    valid_ = true;
    return;
  }
  index_ = ZeroPages(places * sizeof(uint32_t));
  if (index_.valid() && places <= kPositionMask) {
    valid_ = true;
    Walk();
  }
}

// A damaged stretch is left at the next committed prefix only: the middle of a record is full of small
// numbers that look like the start of a record still being written.
void RecordStream::Walk() {
  const size_t end = bytes_.size() - bytes_.size() % kRecordAlign;
  bool lost = false;
  size_t at = kStreamOffset;
  while (at < end) {
    const auto prefix = Load<RecordPrefix>(at);
    const bool committed = prefix.committed == kCommitted;
    const size_t size = size_t{prefix.units} * kRecordAlign;
    const bool blank = prefix.type == 0 && prefix.units == 0 && prefix.committed == 0;
    if (blank || (lost && !committed)) {
      at += kRecordAlign;
      continue;
    }
    const bool fits = size != 0 && size <= end - at;
    if (!fits || prefix.type == 0 || (!committed && prefix.committed != 0)) {
      // A writer that was stopped between the stores of its prefix leaves half of it: nothing is lost.
      const bool begun_only = prefix.committed == 0 && (size == 0 || prefix.type == 0);
      if (!begun_only && !lost) {
        lost = true;
        ++damaged_;
      }
      at += kRecordAlign;
      continue;
    }
    lost = false;
    const Type type = static_cast<Type>(prefix.type);
    const size_t minimal = MinimalSize(type);
    if (committed && minimal != 0) {
      if (size >= minimal) {
        Add(type, static_cast<Ref>(at / kRecordAlign));
      } else {
        ++damaged_;
      }
    }
    at += size;
  }
}

void RecordStream::Add(Type type, Ref ref) {
  std::vector<Ref>& records = records_[static_cast<size_t>(type)];
  const uint32_t entry = static_cast<uint32_t>(type) << kTypeShift | static_cast<uint32_t>(records.size());
  memcpy(index_.data() + size_t{ref} * sizeof(entry), &entry, sizeof(entry));
  records.push_back(ref);
}

Index RecordStream::Find(Type type, Ref ref) const {
  if (ref >= index_.size() / sizeof(uint32_t)) {
    return kNoIndex;
  }
  uint32_t entry;
  memcpy(&entry, index_.data() + size_t{ref} * sizeof(entry), sizeof(entry));
  if (entry == 0 || entry >> kTypeShift != static_cast<uint32_t>(type)) {
    return kNoIndex;
  }
  return static_cast<Index>(entry & kPositionMask);
}

std::string_view RecordStream::GetText(Ref ref, size_t offset_in_record, size_t count) const {
  return bytes_.substr(Offset(ref) + offset_in_record, Fit(ref, offset_in_record, 1, count));
}

size_t RecordStream::Fit(Ref ref, size_t offset_in_record, size_t element_bytes, size_t wanted) const {
  const size_t size = Size(ref);
  return size <= offset_in_record ? 0 : std::min(wanted, (size - offset_in_record) / element_bytes);
}

}  // namespace gordian::trace
