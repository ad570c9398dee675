#include "libsync/record/raw.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>

#include <cstring>

#include "libsync/record/libc_facts.h"

namespace gordian::record {

constinit bool g_no_syscalls = false;
constinit uint64_t g_last_ns = 0;

namespace {

constinit bool g_tid_field_works = false;

int TidField() { return *reinterpret_cast<const int*>(pthread_self() + kThreadTidOffset); }

}  // namespace

void ProveOwnTid() { g_tid_field_works = TidField() == static_cast<int>(RawSyscall(SYS_gettid)); }

// A fork child's field is right too: glibc sets it before fork returns. A raw clone's is not, so only where
// the kernel cannot be asked.
int OwnTid() {
  return g_no_syscalls && g_tid_field_works ? TidField() : static_cast<int>(RawSyscall(SYS_gettid));
}

namespace {

// A futex wait that is over at once reads the word or says that it cannot. No sandbox of a container forbids
// it, unlike process_vm_readv.
bool IsReadable(const void* address) {
  const timespec now{};
  constexpr long kWaitPrivate = 128;      // FUTEX_WAIT | FUTEX_PRIVATE_FLAG
  constexpr long kUnlikely = 0x5EED0BAD;  // where the word is just this, the wait takes some microseconds
  const long result = RawSyscall(SYS_futex, ToRaw(address), kWaitPrivate, kUnlikely, ToRaw(&now));
  return result != -EFAULT && result != -EINVAL;
}

}  // namespace

bool CopyFrom(void* to, const void* from, size_t bytes) {
  const auto* last = static_cast<const char*>(from) + (bytes - 4);
  if (g_no_syscalls || !IsReadable(from) || !IsReadable(last)) {
    return false;
  }
  memcpy(to, from, bytes);
  return true;
}

long ReadSmallFile(const char* path, char* buffer, long size) {
  const long fd = RawSyscall(SYS_openat, AT_FDCWD, ToRaw(path), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    return fd;
  }
  long used = 0;
  while (used < size - 1) {
    const long got = RawSyscall(SYS_read, fd, ToRaw(buffer + used), size - 1 - used);
    if (got <= 0) {
      break;
    }
    used += got;
  }
  RawSyscall(SYS_close, fd);
  buffer[used] = '\0';
  return used;
}

}  // namespace gordian::record
