#include "libsync/record/raw.h"

#include <fcntl.h>

namespace gordian::record {

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
