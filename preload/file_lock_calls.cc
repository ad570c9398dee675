// flock, fcntl and lockf: locks on files. What fcntl does besides passes through unread.
#include <fcntl.h>
#include <stdarg.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libsync/record/descriptors.h"
#include "libsync/record/file_locks.h"
#include "libsync/record/raw.h"
#include "preload/intercept.h"

using namespace gordian::record;
using gordian::trace::LockKind;
using gordian::trace::Mode;

namespace {

// The bytes that a struct flock, or lockf, means: [from, from + length), all after `from` for 0, those before
// it for a negative length. False: the kernel will not accept it.
bool BytesOf(int fd, int whence, int64_t from, int64_t length, FileRange* range) {
  int64_t base = 0;
  if (whence == SEEK_CUR) {
    base = RawSyscall(SYS_lseek, fd, 0, SEEK_CUR);
  } else if (whence == SEEK_END) {
    struct stat status;
    base = RawSyscall(SYS_fstat, fd, ToRaw(&status)) == 0 ? status.st_size : -1;
  }
  int64_t start;
  int64_t end;
  if (base < 0 || __builtin_add_overflow(base, from, &start) || __builtin_add_overflow(start, length, &end)) {
    return false;
  }
  range->fd = fd;
  range->start = static_cast<uint64_t>(length < 0 ? end : start);
  range->end = length == 0 ? kEndOfFile : static_cast<uint64_t>(length < 0 ? start : end);
  return (length < 0 ? end : start) >= 0;
}

// fcntl's four commands that lock. A call that the kernel is going to refuse is none of ours.
struct RangeCall {
  FileRange range;
  short type;  // F_RDLCK, F_WRLCK, F_UNLCK; -1: not recorded
  Blocking blocking;
};
RangeCall ReadRangeCall(int fd, int command, const void* argument) {
  RangeCall call{};
  struct flock lock;
  call.type = -1;
  if (CopyFrom(&lock, argument, sizeof(lock)) &&
      BytesOf(fd, lock.l_whence, lock.l_start, lock.l_len, &call.range)) {
    const bool open_file = command == F_OFD_SETLK || command == F_OFD_SETLKW;
    call.range.kind = open_file ? LockKind::kOpenFileLock : LockKind::kPosixFileLock;
    call.blocking = command == F_SETLKW || command == F_OFD_SETLKW ? Blocking::kForever : Blocking::kTry;
    call.type = lock.l_type;
  }
  return call;
}

Mode ModeOf(short type) { return type == F_RDLCK ? Mode::kShared : Mode::kExclusive; }

}  // namespace

INTERCEPT(int, flock, int fd, int operation) {
  const FileRange whole{fd, LockKind::kFlock, 0, kEndOfFile};
  const int kind = operation & ~LOCK_NB;
  if (kind == LOCK_UN) {
    ReleaseFileLock(whole);
  }
  if (kind != LOCK_SH && kind != LOCK_EX) {
    return REAL(flock)(fd, operation);
  }
  const FileLockAttempt attempt =
      BeginFileLock(whole, kind == LOCK_SH ? Mode::kShared : Mode::kExclusive,
                    (operation & LOCK_NB) != 0 ? Blocking::kTry : Blocking::kForever, CALL_SITE());
  const int result = REAL(flock)(fd, operation);
  EndFileLock(attempt, result == 0);
  return result;
}

INTERCEPT(int, fcntl, int fd, int command, ...) {
  va_list list;
  va_start(list, command);
  void* const argument = va_arg(list, void*);
  va_end(list);
  switch (command) {
    case F_SETLK:
    case F_SETLKW:
    case F_OFD_SETLK:
    case F_OFD_SETLKW: {
      const RangeCall call = ReadRangeCall(fd, command, argument);
      if (call.type == F_UNLCK) {
        ReleaseFileLock(call.range);
      } else if (call.type == F_RDLCK || call.type == F_WRLCK) {
        const FileLockAttempt attempt =
            BeginFileLock(call.range, ModeOf(call.type), call.blocking, CALL_SITE());
        const int result = REAL(fcntl)(fd, command, argument);
        EndFileLock(attempt, result == 0);
        return result;
      }
      break;
    }
    case F_DUPFD:
    case F_DUPFD_CLOEXEC: {
      NoteDuplicate();
      const int copy = REAL(fcntl)(fd, command, argument);
      CopyDescriptor(fd, copy);
      return copy;
    }
    default:
      break;
  }
  return REAL(fcntl)(fd, command, argument);
}
INTERCEPT_ALIAS(fcntl64, fcntl)
INTERCEPT_ALIAS(__fcntl, fcntl)

// libc asks the kernel for fcntl's locks without passing its own fcntl.
INTERCEPT(int, lockf, int fd, int command, off_t length) {
  FileRange range{fd, LockKind::kPosixFileLock, 0, 0};
  const bool locks = command == F_LOCK || command == F_TLOCK;
  if ((!locks && command != F_ULOCK) || !BytesOf(fd, SEEK_CUR, 0, length, &range)) {
    return REAL(lockf)(fd, command, length);
  }
  if (!locks) {
    ReleaseFileLock(range);
    return REAL(lockf)(fd, command, length);
  }
  const FileLockAttempt attempt = BeginFileLock(
      range, Mode::kExclusive, command == F_TLOCK ? Blocking::kTry : Blocking::kForever, CALL_SITE());
  const int result = REAL(lockf)(fd, command, length);
  EndFileLock(attempt, result == 0);
  return result;
}
INTERCEPT_ALIAS(lockf64, lockf)
