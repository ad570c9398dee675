#include "libsync/record/raw.h"

#include <fcntl.h>
#include <pthread.h>

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
