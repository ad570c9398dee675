// Calls that open, replace and cut files by name: who reads a file and then rewrites it. Only what succeeded
// counts, and is noted after the call.
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "libsync/record/descriptors.h"
#include "libsync/record/file_locks.h"
#include "libsync/record/file_updates.h"
#include "preload/intercept.h"

using namespace gordian::record;

namespace {

// A path that means the same wherever it is used in this folder.
bool IsPlain(int folder, const char* path) { return folder == AT_FDCWD || path[0] == '/'; }

// fopen's mode as open's flags; O_APPEND for one that libc will refuse.
int FlagsOf(const char* mode) {
  int flags = mode[0] == 'r' ? O_RDONLY : mode[0] == 'w' ? O_WRONLY | O_CREAT | O_TRUNC : O_APPEND;
  for (int i = 1; mode[i] != '\0' && mode[i] != ',' && i < 8; ++i) {
    if (mode[i] == '+') {
      flags = (flags & ~O_ACCMODE) | O_RDWR;
    } else if (mode[i] == 'x') {
      flags |= O_EXCL;
    }
  }
  return flags;
}

}  // namespace

#define OPEN_MODE(flags)                                            \
  unsigned mode = 0;                                                \
  if (((flags)&O_CREAT) != 0 || ((flags)&O_TMPFILE) == O_TMPFILE) { \
    va_list list;                                                   \
    va_start(list, flags);                                          \
    mode = va_arg(list, unsigned);                                  \
    va_end(list);                                                   \
  }

INTERCEPT(int, open, const char* path, int flags, ...) {
  OPEN_MODE(flags)
  const int fd = REAL(open)(path, flags, mode);
  NoteDescriptor(fd, DescriptorKind::kUnknown);
  if (fd >= 0) {
    AfterOpen(path, flags, CALL_SITE());
  }
  return fd;
}
INTERCEPT_ALIAS(open64, open)

INTERCEPT(int, openat, int folder, const char* path, int flags, ...) {
  OPEN_MODE(flags)
  const int fd = REAL(openat)(folder, path, flags, mode);
  NoteDescriptor(fd, DescriptorKind::kUnknown);
  if (fd >= 0 && IsPlain(folder, path)) {
    AfterOpen(path, flags, CALL_SITE());
  }
  return fd;
}
INTERCEPT_ALIAS(openat64, openat)

// What open becomes with _FORTIFY_SOURCE.
INTERCEPT(int, __open_2, const char* path, int flags) {
  const int fd = REAL(__open_2)(path, flags);
  NoteDescriptor(fd, DescriptorKind::kUnknown);
  if (fd >= 0) {
    AfterOpen(path, flags, CALL_SITE());
  }
  return fd;
}
INTERCEPT_ALIAS(__open64_2, __open_2)

INTERCEPT(int, __openat_2, int folder, const char* path, int flags) {
  const int fd = REAL(__openat_2)(folder, path, flags);
  NoteDescriptor(fd, DescriptorKind::kUnknown);
  if (fd >= 0 && IsPlain(folder, path)) {
    AfterOpen(path, flags, CALL_SITE());
  }
  return fd;
}
INTERCEPT_ALIAS(__openat64_2, __openat_2)

INTERCEPT(int, creat, const char* path, unsigned mode) {
  const int fd = REAL(creat)(path, mode);
  NoteDescriptor(fd, DescriptorKind::kUnknown);
  if (fd >= 0) {
    AfterOpen(path, O_WRONLY | O_CREAT | O_TRUNC, CALL_SITE());
  }
  return fd;
}
INTERCEPT_ALIAS(creat64, creat)

INTERCEPT(FILE*, fopen, const char* path, const char* mode) {
  FILE* stream = REAL(fopen)(path, mode);
  if (stream != nullptr) {
    AfterOpen(path, FlagsOf(mode), CALL_SITE());
  }
  return stream;
}
INTERCEPT_ALIAS(fopen64, fopen)

INTERCEPT(FILE*, freopen, const char* path, const char* mode, FILE* old) {
  if (__builtin_expect(HoldsFileLocks(), 0) && fileno(old) >= 0) {
    ReleaseByClose(static_cast<unsigned>(fileno(old)), static_cast<unsigned>(fileno(old)), CALL_SITE());
  }
  FILE* stream = REAL(freopen)(path, mode, old);
  if (stream != nullptr && path != nullptr) {
    AfterOpen(path, FlagsOf(mode), CALL_SITE());
  }
  return stream;
}
INTERCEPT_ALIAS(freopen64, freopen)

INTERCEPT(int, truncate, const char* path, off_t length) {
  const int result = REAL(truncate)(path, length);
  if (result == 0) {
    AfterTruncate(path, CALL_SITE());
  }
  return result;
}
INTERCEPT_ALIAS(truncate64, truncate)

INTERCEPT(int, rename, const char* from, const char* to) {
  const int result = REAL(rename)(from, to);
  if (result == 0) {
    AfterRename(from, to, CALL_SITE());
  }
  return result;
}

INTERCEPT(int, renameat, int from_folder, const char* from, int to_folder, const char* to) {
  const int result = REAL(renameat)(from_folder, from, to_folder, to);
  if (result == 0 && IsPlain(from_folder, from) && IsPlain(to_folder, to)) {
    AfterRename(from, to, CALL_SITE());
  }
  return result;
}

INTERCEPT(int, renameat2, int from_folder, const char* from, int to_folder, const char* to, unsigned flags) {
  const int result = REAL(renameat2)(from_folder, from, to_folder, to, flags);
  if (result == 0 && flags == 0 && IsPlain(from_folder, from) && IsPlain(to_folder, to)) {
    AfterRename(from, to, CALL_SITE());
  }
  return result;
}

INTERCEPT(int, chdir, const char* path) {
  const int result = REAL(chdir)(path);
  AfterFolderChange();
  return result;
}

INTERCEPT(int, fchdir, int folder) {
  const int result = REAL(fchdir)(folder);
  AfterFolderChange();
  return result;
}
