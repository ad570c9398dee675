#include "libsync/record/raw.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>

#include <cstring>

#include "libsync/record/libc_facts.h"

namespace gordian::record {

constinit bool g_no_syscalls = false;
constinit uint64_t g_last_ns = 0;
constinit ClockGettime* g_clock_gettime = clock_gettime;

namespace {

constinit bool g_tid_field_works = false;

}  // namespace

bool ProveOwnTid() { return g_tid_field_works = LibcTid() == static_cast<int>(RawSyscall(SYS_gettid)); }

// A fork child's field is right too: glibc sets it before fork returns. A raw clone's is not, so only where
// the kernel cannot be asked.
int OwnTid() {
  return g_no_syscalls && g_tid_field_works ? LibcTid() : static_cast<int>(RawSyscall(SYS_gettid));
}

namespace {

constexpr uintptr_t kPageBytes = 4096;
constexpr long kNoSuchOperation = ~0l;
// Ors 0 into a word.
constexpr long kOrNothing = FUTEX_OP(FUTEX_OP_OR, 0, FUTEX_OP_CMP_EQ, 0);

// rt_sigprocmask reads the mask before it looks at what to do with it, and refuses that.
bool CanReadWord(uintptr_t address) {
  return RawSyscall(SYS_rt_sigprocmask, kNoSuchOperation, static_cast<long>(address & ~uintptr_t{7}), 0, 8) !=
         -EFAULT;
}

}  // namespace

bool IsReadable(const void* address, size_t bytes) {
  const auto first = reinterpret_cast<uintptr_t>(address);
  const uintptr_t last = first + bytes - 1;
  // No mask at all is none that cannot be read.
  return !g_no_syscalls && first >= 8 && CanReadWord(first) &&
         (first / kPageBytes == last / kPageBytes || CanReadWord(last));
}

bool CopyFrom(void* to, const void* from, size_t bytes) {
  if (!IsReadable(from, bytes)) {
    return false;
  }
  memcpy(to, from, bytes);
  return true;
}

bool ReadableMemory::Covers(const void* address) {
  const uintptr_t page = reinterpret_cast<uintptr_t>(address) / kPageBytes;
  if (page != page_ && !g_no_syscalls && !IsReadable(address, 1)) {
    return false;
  }
  page_ = page;
  return true;
}

long ReadableMemory::LengthOf(const char* text) {
  for (const char* at = text; Covers(at);) {
    const size_t rest = kPageBytes - reinterpret_cast<uintptr_t>(at) % kPageBytes;
    const size_t bytes = strnlen(at, rest);
    if (bytes < rest) {
      return at + bytes - text;
    }
    at += rest;
  }
  return -1;
}

bool IsWritable(uint64_t* word) {
  if (g_no_syscalls) {
    return true;
  }
  // Wakes nobody, and changes the word to what it is, atomically.
  uint32_t nobody = 0;
  return RawSyscall(SYS_futex, ToRaw(&nobody), FUTEX_WAKE_OP | FUTEX_PRIVATE_FLAG, 0, 0, ToRaw(word),
                    kOrNothing) >= 0;
}

long ReadSmallFile(const char* path, char* buffer, long size) {
  const long fd = RawSyscall(SYS_openat, AT_FDCWD, ToRaw(path), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    return fd;
  }
  // One read: what the kernel makes up for /proc comes whole.
  const long got = RawSyscall(SYS_read, fd, ToRaw(buffer), size - 1);
  const long used = got < 0 ? 0 : got;
  RawSyscall(SYS_close, fd);
  buffer[used] = '\0';
  return used;
}

}  // namespace gordian::record
