// Calls that end and duplicate descriptors (fclose: stream_calls.cc): closing one may give file locks back.
// Where none is held they cost one load.
#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include "libsync/record/file_locks.h"
#include "libsync/record/raw.h"
#include "preload/intercept.h"

using namespace gordian::record;

namespace {

inline void BeforeClose(int fd) {
  if (__builtin_expect(HoldsFileLocks(), 0) && fd >= 0) {
    ReleaseByClose(static_cast<unsigned>(fd), static_cast<unsigned>(fd));
  }
}

// `to` is going to be closed if `from` is open and another one.
void BeforeReplace(int from, int to) {
  if (from != to && HoldsFileLocks() && !g_no_syscalls && RawSyscall(SYS_fcntl, from, F_GETFD) >= 0) {
    BeforeClose(to);
  }
}

}  // namespace

INTERCEPT(int, close, int fd) {
  BeforeClose(fd);
  return REAL(close)(fd);
}

INTERCEPT(int, closedir, DIR* folder) {
  if (__builtin_expect(HoldsFileLocks(), 0)) {
    BeforeClose(dirfd(folder));
  }
  return REAL(closedir)(folder);
}

INTERCEPT(int, close_range, unsigned first, unsigned last, int flags) {
  if (__builtin_expect(HoldsFileLocks(), 0) && (flags & CLOSE_RANGE_CLOEXEC) == 0) {
    ReleaseByClose(first, last);
  }
  return REAL(close_range)(first, last, flags);
}

INTERCEPT(void, closefrom, int first) {
  if (__builtin_expect(HoldsFileLocks(), 0)) {
    ReleaseByClose(first < 0 ? 0 : static_cast<unsigned>(first), UINT32_MAX);
  }
  REAL(closefrom)(first);
}

INTERCEPT(int, dup, int fd) {
  NoteDuplicate();
  return REAL(dup)(fd);
}

INTERCEPT(int, dup2, int from, int to) {
  BeforeReplace(from, to);
  NoteDuplicate();
  return REAL(dup2)(from, to);
}

INTERCEPT(int, dup3, int from, int to, int flags) {
  BeforeReplace(from, to);
  NoteDuplicate();
  return REAL(dup3)(from, to, flags);
}
