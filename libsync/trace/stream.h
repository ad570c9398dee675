// Finds the records in the bytes of a trace, without believing any of them.
//
// Thread safety: const methods may be called from several threads at once.
#ifndef GORDIAN_LIBSYNC_TRACE_STREAM_H_
#define GORDIAN_LIBSYNC_TRACE_STREAM_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

#include "libsync/trace/layout.h"
#include "libsync/trace/run.h"
#include "libsync/trace/zero_pages.h"

namespace gordian::trace {

// Every committed record of a known type that is long enough for the fixed part of its type.
class RecordStream {
 public:
  // `bytes` is a file from its first byte to the end of what is in use, and must outlive this.
  explicit RecordStream(std::string_view bytes);

  // False: no memory for the index of the records; there are none then.
  bool valid() const { return valid_; }

  // The records of one type in file order.
  const std::vector<Ref>& Records(Type type) const { return records_[static_cast<size_t>(type)]; }

  // The position of `ref` within Records(type); kNoIndex for 0, for a place where no record begins, and for
  // a record of another type.
  Index Find(Type type, Ref ref) const;

  // Bytes of the record, prefix included. REQUIRES: `ref` is one of Records().
  size_t Size(Ref ref) const { return size_t{Load<RecordPrefix>(Offset(ref)).units} * kRecordAlign; }

  // The fixed part of a record; zero where the record is shorter than T.
  template <typename T>
  T Get(Ref ref) const {
    T record{};
    const size_t size = Size(ref);
    memcpy(static_cast<void*>(&record), bytes_.data() + Offset(ref), size < sizeof(T) ? size : sizeof(T));
    return record;
  }

  // A value anywhere in the record. REQUIRES: it lies within the record.
  template <typename T>
  T GetAt(Ref ref, size_t offset_in_record) const {
    return Load<T>(Offset(ref) + offset_in_record);
  }

  // `count` bytes of the record at `offset_in_record`, cut at its end.
  std::string_view GetText(Ref ref, size_t offset_in_record, size_t count) const;

  // How many elements of `element_bytes`, at most `wanted`, fit into the record from `offset_in_record` on.
  size_t Fit(Ref ref, size_t offset_in_record, size_t element_bytes, size_t wanted) const;

  // Stretches of the file where a record must have begun and none could be read.
  uint64_t damaged() const { return damaged_; }

 private:
  static size_t Offset(Ref ref) { return size_t{ref} * kRecordAlign; }

  template <typename T>
  T Load(size_t offset) const {
    T value;
    memcpy(static_cast<void*>(&value), bytes_.data() + offset, sizeof(T));
    return value;
  }

  void Walk();
  void Add(Type type, Ref ref);

  std::string_view bytes_;
  bool valid_ = false;
  uint64_t damaged_ = 0;
  std::array<std::vector<Ref>, 16> records_;
  ZeroPages index_;  // a uint32_t for each possible Ref: type << 28 | position, 0: no record
};

// The bytes of the fixed part that a record of this type must have; 0 for unknown types.
size_t MinimalSize(Type type);

}  // namespace gordian::trace

#endif  // GORDIAN_LIBSYNC_TRACE_STREAM_H_
