#include "libsync/record/trace_file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mman.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "libsync/record/raw.h"

namespace gordian::record {
namespace {

bool IsError(long result) { return result < 0 && result > -4096; }

OpenResult ResultOf(long error) {
  switch (-error) {
    case EEXIST:
      return OpenResult::kExists;
    case ENOSPC:
    case EFAULT:
    case ENOMEM:
    case EDQUOT:
      return OpenResult::kSpace;
    case EFBIG:
      return OpenResult::kLimit;
    default:
      return OpenResult::kDenied;
  }
}

// A file longer than RLIMIT_FSIZE is not refused with an error but with SIGXFSZ: ask first.
uint64_t FileSizeLimit() {
  rlimit limit{};
  if (IsError(RawSyscall(SYS_prlimit64, 0, RLIMIT_FSIZE, 0, ToRaw(&limit))) ||
      limit.rlim_cur == RLIM_INFINITY) {
    return TraceFile::kMaxBytes;
  }
  const uint64_t bytes = limit.rlim_cur & ~uint64_t{4095};
  return bytes < TraceFile::kMaxBytes ? bytes : TraceFile::kMaxBytes;
}

}  // namespace

OpenResult TraceFile::Create(const char* path) {
  limit_ = FileSizeLimit();
  if (limit_ < kFirstPart) {
    return OpenResult::kLimit;
  }
  const long fd =
      RawSyscall(SYS_openat, AT_FDCWD, ToRaw(path), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (IsError(fd)) {
    return ResultOf(fd);
  }
  long result = RawSyscall(SYS_ftruncate, fd, static_cast<long>(limit_));
  if (!IsError(result)) {
    const uint64_t map = limit_ < kFirstMapping ? limit_ : kFirstMapping;
    result = RawSyscall(SYS_mmap, 0, static_cast<long>(map), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (!IsError(result)) {
      base_ = reinterpret_cast<char*>(result);
      mapped_ = map;
      RawSyscall(SYS_madvise, result, static_cast<long>(map), MADV_DONTDUMP);
      if (!Populate(0, kFirstPart)) {
        // An old kernel (before 5.14) lacks MADV_POPULATE_WRITE: take all that this mapping can hold at once.
        result = RawSyscall(SYS_fallocate, fd, 0, 0, static_cast<long>(map));
        if (!IsError(result)) {  // else the very first page may not be backed: a store would be SIGBUS
          limit_ = map;
          header()->populated = map;
        }
      } else {
        result = 0;
        header()->populated = kFirstPart;
      }
      if (IsError(result)) {
        RawSyscall(SYS_munmap, ToRaw(base_), static_cast<long>(map));
        base_ = nullptr;
      }
    }
  }
  RawSyscall(SYS_close, fd);
  if (!is_open()) {
    RawSyscall(SYS_unlinkat, AT_FDCWD, ToRaw(path), 0);
    return ResultOf(result);
  }
  header()->used = trace::kStreamOffset;
  return OpenResult::kOk;
}

bool TraceFile::Populate(uint64_t from, uint64_t to) {
  for (int attempt = 0; attempt < 8; ++attempt) {
    const long result =
        RawSyscall(SYS_madvise, ToRaw(Address(from)), static_cast<long>(to - from), MADV_POPULATE_WRITE);
    if (!IsError(result)) {
      return true;
    }
    if (result != -EINTR && result != -EAGAIN) {
      return false;
    }
  }
  return false;
}

// Maps twice as much as before, as often as it takes.
bool TraceFile::Map(uint64_t bytes) {
  uint64_t more = mapped_;
  while (more < bytes) {
    more *= 2;
  }
  more = more < limit_ ? more : limit_;
  if (more <= mapped_) {
    return true;
  }
  // old_size 0 of a shared mapping: a second mapping of the same file, of any length, without a descriptor.
  const long address = RawSyscall(SYS_mremap, ToRaw(base_), 0, static_cast<long>(more), MREMAP_MAYMOVE);
  if (IsError(address)) {
    return false;
  }
  RawSyscall(SYS_madvise, address, static_cast<long>(more), MADV_DONTDUMP);
  mapped_ = more;
  __atomic_store_n(&base_, reinterpret_cast<char*>(address), __ATOMIC_RELEASE);
  return true;
}

bool TraceFile::GrowTo(uint64_t bytes) {
  SpinGuard guard(&grow_lock_);
  trace::FileHeader* head = header();
  while (head->populated < bytes) {
    if (frozen_ || head->populated >= limit_) {
      return false;
    }
    const uint64_t next = head->populated + kGrowth < limit_ ? head->populated + kGrowth : limit_;
    if (!Map(next) || !Populate(head->populated, next)) {
      return false;
    }
    __atomic_store_n(&head->populated, next, __ATOMIC_RELEASE);
  }
  return true;
}

void* TraceFile::AppendBytes(trace::Type type, size_t bytes, uint64_t align, trace::Ref* ref) {
  const auto aligned = [align](uint64_t value) { return (value + align - 1) & ~(align - 1); };
  const uint64_t size = aligned(bytes);
  trace::FileHeader* head = header();
  if ((head->flags & trace::kStorageFull) != 0 || size / trace::kRecordAlign > 0xFFFF) {
    __atomic_fetch_add(&head->counters.records_dropped, 1, __ATOMIC_RELAXED);
    return nullptr;
  }
  // Room first, then the reservation: a reservation that cannot be filled would leave a hole that is not
  // backed.
  uint64_t reserved = __atomic_load_n(&head->used, __ATOMIC_RELAXED);
  uint64_t offset;
  do {
    offset = aligned(reserved);  // what is left out stays zero, which readers skip
    if (offset + size > __atomic_load_n(&head->populated, __ATOMIC_ACQUIRE) && !GrowTo(offset + size)) {
      __atomic_fetch_or(&head->flags, trace::kStorageFull, __ATOMIC_RELAXED);
      __atomic_fetch_add(&head->counters.records_dropped, 1, __ATOMIC_RELAXED);
      return nullptr;
    }
  } while (!__atomic_compare_exchange_n(&head->used, &reserved, offset + size, true, __ATOMIC_ACQ_REL,
                                        __ATOMIC_RELAXED));
  trace::RecordPrefix* prefix = reinterpret_cast<trace::RecordPrefix*>(Address(offset));
  prefix->units = static_cast<uint16_t>(size / trace::kRecordAlign);
  __atomic_store_n(&prefix->type, static_cast<uint16_t>(type), __ATOMIC_RELEASE);
  *ref = static_cast<trace::Ref>(offset / trace::kRecordAlign);
  return prefix;
}

void TraceFile::Freeze(uint64_t reserve) {
  GrowTo(used() + reserve);
  frozen_ = true;
}

}  // namespace gordian::record
