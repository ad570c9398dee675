// The writer's side of a trace: creates the file, grows it, appends records.
//
// No descriptor stays open: the file grows through its mapping (MADV_POPULATE_WRITE reports a full tmpfs as
// an error where a plain store would be SIGBUS, and mremap of a shared mapping with old size 0 maps more of
// it). Appending is lock-free but for growth. When nothing more fits, Append returns null and counts.
#ifndef GORDIAN_LIBSYNC_RECORD_TRACE_FILE_H_
#define GORDIAN_LIBSYNC_RECORD_TRACE_FILE_H_

#include <cstddef>
#include <cstdint>

#include "libsync/record/spin_lock.h"
#include "libsync/trace/layout.h"

namespace gordian::record {

enum class OpenResult { kOk, kDenied, kSpace, kLimit, kExists };

class TraceFile {
 public:
  static constexpr uint64_t kFirstMapping = 1 << 20;
  // Most images need little: they are made ready for that, and more comes in larger steps.
  static constexpr uint64_t kFirstPart = 16 << 10;
  static constexpr uint64_t kGrowth = 64 << 10;
  static constexpr uint64_t kCacheLine = 64;
  static constexpr uint64_t kMaxBytes = uint64_t{4} << 30;

  // Creates `path` (it must not exist) and maps its first part, zeroed. The caller fills the header.
  OpenResult Create(const char* path);
  bool is_open() const { return base_ != nullptr; }
  trace::FileHeader* header() const { return reinterpret_cast<trace::FileHeader*>(Address(0)); }

  // A record of sizeof(T) + extra bytes, prefix filled, not committed. Null when there is no room.
  template <typename T>
  T* Append(trace::Type type, size_t extra, trace::Ref* ref) {
    return static_cast<T*>(AppendBytes(type, sizeof(T) + extra, trace::kRecordAlign, ref));
  }
  // The same, for a record that one thread writes all the time: in cache lines of its own.
  template <typename T>
  T* AppendApart(trace::Type type, size_t extra, trace::Ref* ref) {
    return static_cast<T*>(AppendBytes(type, sizeof(T) + extra, kCacheLine, ref));
  }
  // Makes the record visible to readers.
  template <typename T>
  void Commit(T* record, bool fact = true) {
    __atomic_store_n(&record->prefix.committed, trace::kCommitted, __ATOMIC_RELEASE);
    if (fact) {
      __atomic_fetch_add(&header()->facts, 1, __ATOMIC_RELAXED);
    }
  }
  // Takes back a record that turned out not to be a fact.
  template <typename T>
  void Withdraw(T* record) {
    __atomic_store_n(&record->prefix.committed, 0u, __ATOMIC_RELEASE);
  }

  // REQUIRES: ref names a record of this file.
  template <typename T>
  T* At(trace::Ref ref) const {
    return reinterpret_cast<T*>(Address(uint64_t{ref} * trace::kRecordAlign));
  }

  // From now on no system call is made; `reserve` more bytes are made ready before.
  void Freeze(uint64_t reserve);

  uint64_t used() const { return __atomic_load_n(&header()->used, __ATOMIC_RELAXED); }

 private:
  char* Address(uint64_t offset) const { return __atomic_load_n(&base_, __ATOMIC_RELAXED) + offset; }
  void* AppendBytes(trace::Type type, size_t bytes, uint64_t align, trace::Ref* ref);
  bool GrowTo(uint64_t bytes);
  bool Map(uint64_t bytes);
  bool Populate(uint64_t from, uint64_t to);

  SpinLock grow_lock_;
  char* base_ =
      nullptr;  // of the largest mapping; smaller ones stay, since records in them are known by address
  uint64_t mapped_ = 0;
  uint64_t limit_ = 0;
  bool frozen_ = false;
};

}  // namespace gordian::record

#endif  // GORDIAN_LIBSYNC_RECORD_TRACE_FILE_H_
