// Builds the bytes of a trace from records, for tests of whatever reads traces. Independent of the recorder.
//
// Thread safety: none of its own.
#ifndef GORDIAN_TESTS_SUPPORT_TRACE_BYTES_H_
#define GORDIAN_TESTS_SUPPORT_TRACE_BYTES_H_

#include <cstdint>
#include <cstring>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "libsync/trace/layout.h"

namespace gordian::trace {

class TraceBytes {
 public:
  TraceBytes() : stream_(kStreamOffset, '\0') {
    memcpy(header.magic, kMagic, sizeof(kMagic));
    header.version = kLayoutVersion;
    header.endian = kEndianMark;
    header.header_bytes = sizeof(FileHeader);
    header.nonce = 0x1122334455667788;
    header.pid = 4242;
  }

  // Appends a committed record: the fixed part up to `fixed_bytes`, then `tail`.
  template <typename T>
  Ref Add(Type type, T record, size_t fixed_bytes = sizeof(T), std::string_view tail = {}) {
    const size_t bytes = fixed_bytes + tail.size();
    record.prefix.type = static_cast<uint16_t>(type);
    record.prefix.units = static_cast<uint16_t>((bytes + kRecordAlign - 1) / kRecordAlign);
    record.prefix.committed = kCommitted;
    const auto ref = static_cast<Ref>(stream_.size() / kRecordAlign);
    stream_.append(reinterpret_cast<const char*>(&record), fixed_bytes);
    stream_.append(tail);
    stream_.append((kRecordAlign - bytes % kRecordAlign) % kRecordAlign, '\0');
    return ref;
  }

  Ref AddModule(ModuleRecord record, std::string_view path) {
    record.path_bytes = static_cast<uint32_t>(path.size());
    return Add(Type::kModule, record, offsetof(ModuleRecord, path), path);
  }
  Ref AddStack(const std::vector<uint64_t>& frames) {
    StackRecord record{};
    record.count = static_cast<uint32_t>(frames.size());
    return Add(Type::kStack, record, offsetof(StackRecord, frames), BytesOf(frames));
  }
  Ref AddThread(const ThreadRecord& record) { return Add(Type::kThread, record); }
  Ref AddSlot(const SlotRecord& record) { return Add(Type::kSlot, record); }
  Ref AddLock(const LockRecord& record) { return Add(Type::kLock, record); }
  Ref AddDependency(DependencyRecord record, const std::vector<HeldEntry>& held) {
    record.held_count = static_cast<uint32_t>(held.size());
    return Add(Type::kDependency, record, offsetof(DependencyRecord, held), BytesOf(held));
  }
  Ref AddChild(const ChildRecord& record) { return Add(Type::kChild, record); }
  Ref AddEvent(const EventRecord& record) { return Add(Type::kEvent, record); }
  Ref AddHeldSet(Ref thread, const std::vector<HeldEntry>& held) {
    HeldSetRecord record{};
    record.thread = thread;
    record.count = static_cast<uint32_t>(held.size());
    return Add(Type::kHeldSet, record, offsetof(HeldSetRecord, held), BytesOf(held));
  }
  Ref AddString(std::string_view text) {
    StringRecord record{};
    record.bytes = static_cast<uint32_t>(text.size());
    return Add(Type::kString, record, offsetof(StringRecord, text), text);
  }
  // Room that was reserved and never written.
  void AddZeros(size_t units) { stream_.append(units * kRecordAlign, '\0'); }

  // Appends what may be no record at all.
  void AddRaw(std::string_view bytes) { stream_.append(bytes); }

  // Overwrites a value within a record, as a writer does with live state, or as damage.
  template <typename T>
  void Set(Ref ref, size_t offset_in_record, T value) {
    stream_.replace(size_t{ref} * kRecordAlign + offset_in_record, sizeof(value),
                    std::string_view(reinterpret_cast<const char*>(&value), sizeof(value)));
  }

  std::string Bytes() const {
    FileHeader finished = header;
    finished.used = stream_.size();
    std::string bytes = stream_;
    bytes.replace(0, sizeof(finished),
                  std::string_view(reinterpret_cast<const char*>(&finished), sizeof(finished)));
    return bytes;
  }

  bool WriteTo(const std::string& path) const { return WriteTo(path, Bytes()); }
  static bool WriteTo(const std::string& path, std::string_view bytes) {
    std::ofstream file(path, std::ios::binary | std::ios::trunc);
    file << bytes;
    return file.flush().good();
  }

  FileHeader header{};

 private:
  template <typename T>
  static std::string_view BytesOf(const std::vector<T>& values) {
    return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
  }

  std::string stream_;
};

}  // namespace gordian::trace

#endif  // GORDIAN_TESTS_SUPPORT_TRACE_BYTES_H_
