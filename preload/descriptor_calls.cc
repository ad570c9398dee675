// Calls that make, end and duplicate descriptors (open: file_calls.cc, fclose: stream_calls.cc): closing one
// may give file locks back, and tells who reads from its other end that no more will come.
#include <dirent.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>

#include "libsync/record/channels.h"
#include "libsync/record/file_locks.h"
#include "libsync/record/raw.h"
#include "preload/intercept.h"

using namespace gordian::record;

namespace {

inline void BeforeClose(int fd, const Site& site) {
  if (__builtin_expect(HoldsFileLocks(), 0) && fd >= 0) {
    ReleaseByClose(static_cast<unsigned>(fd), static_cast<unsigned>(fd), site);
  }
}

// `to` is going to be closed if `from` is open and another one.
void BeforeReplace(int from, int to, const Site& site) {
  if (from != to && HoldsFileLocks() && !g_no_syscalls && RawSyscall(SYS_fcntl, from, F_GETFD) >= 0) {
    BeforeClose(to, site);
  }
}

// What can be written to is known by how it was made.
inline void GiveByClose(int fd, const Site& site) {
  const DescriptorKind kind = DescriptorAt(fd).kind;
  if (kind == DescriptorKind::kPipe || kind == DescriptorKind::kSocket ||
      UseOf(fd, Flow::kGive) == EndUse::kOpen) {
    BeforeGiving(fd, site);
  }
}

}  // namespace

INTERCEPT(int, close, int fd) {
  BeforeClose(fd, CALL_SITE());
  GiveByClose(fd, CALL_SITE());
  ForgetDescriptor(fd);
  return REAL(close)(fd);
}
INTERCEPT_ALIAS(__close, close)

INTERCEPT(int, closedir, DIR* folder) {
  if (__builtin_expect(HoldsFileLocks(), 0)) {
    BeforeClose(dirfd(folder), CALL_SITE());
  }
  return REAL(closedir)(folder);
}

INTERCEPT(int, close_range, unsigned first, unsigned last, int flags) {
  if (__builtin_expect(HoldsFileLocks(), 0) && (flags & CLOSE_RANGE_CLOEXEC) == 0) {
    ReleaseByClose(first, last, CALL_SITE());
  }
  if ((flags & CLOSE_RANGE_CLOEXEC) == 0) {
    ForgetDescriptors(first, last);
  }
  return REAL(close_range)(first, last, flags);
}

INTERCEPT(void, closefrom, int first) {
  if (__builtin_expect(HoldsFileLocks(), 0)) {
    ReleaseByClose(first < 0 ? 0 : static_cast<unsigned>(first), UINT32_MAX, CALL_SITE());
  }
  ForgetDescriptors(first < 0 ? 0 : static_cast<unsigned>(first), UINT32_MAX);
  REAL(closefrom)(first);
}

INTERCEPT(int, dup, int fd) {
  NoteDuplicate();
  const int copy = REAL(dup)(fd);
  CopyDescriptor(fd, copy);
  return copy;
}

INTERCEPT(int, dup2, int from, int to) {
  BeforeReplace(from, to, CALL_SITE());
  NoteDuplicate();
  const int copy = REAL(dup2)(from, to);
  CopyDescriptor(from, copy);
  return copy;
}

INTERCEPT(int, dup3, int from, int to, int flags) {
  BeforeReplace(from, to, CALL_SITE());
  NoteDuplicate();
  const int copy = REAL(dup3)(from, to, flags);
  CopyDescriptor(from, copy);
  return copy;
}

INTERCEPT(int, pipe, int* fds) {
  const int result = REAL(pipe)(fds);
  if (result == 0) {
    NoteDescriptor(fds[0], DescriptorKind::kPipe);
    NoteDescriptor(fds[1], DescriptorKind::kPipe);
  }
  return result;
}
INTERCEPT_ALIAS(__pipe, pipe)

INTERCEPT(int, pipe2, int* fds, int flags) {
  const int result = REAL(pipe2)(fds, flags);
  if (result == 0) {
    NoteDescriptor(fds[0], DescriptorKind::kPipe);
    NoteDescriptor(fds[1], DescriptorKind::kPipe);
  }
  return result;
}

INTERCEPT(int, socket, int domain, int type, int protocol) {
  const int fd = REAL(socket)(domain, type, protocol);
  NoteDescriptor(fd, DescriptorKind::kSocket);
  return fd;
}

INTERCEPT(int, socketpair, int domain, int type, int protocol, int* fds) {
  const int result = REAL(socketpair)(domain, type, protocol, fds);
  if (result == 0) {
    NoteSocketPair(fds);
  }
  return result;
}

INTERCEPT(int, connect, int fd, const sockaddr* address, socklen_t bytes) {
  BeforeConnecting(fd, address, bytes, CALL_SITE());
  return REAL(connect)(fd, address, bytes);
}
INTERCEPT_ALIAS(__connect, connect)

INTERCEPT(int, accept, int listener, sockaddr* address, socklen_t* bytes) {
  const int fd = REAL(accept)(listener, address, bytes);
  if (fd >= 0) {
    NoteDescriptor(fd, DescriptorKind::kSocket);
    AfterAccepting(listener);
  }
  return fd;
}

INTERCEPT(int, accept4, int listener, sockaddr* address, socklen_t* bytes, int flags) {
  const int fd = REAL(accept4)(listener, address, bytes, flags);
  if (fd >= 0) {
    NoteDescriptor(fd, DescriptorKind::kSocket);
    AfterAccepting(listener);
  }
  return fd;
}

// One that goes through an exec is known there by the kernel's number alone.
INTERCEPT(int, eventfd, unsigned value, int flags) {
  const int fd = REAL(eventfd)(value, flags);
  NoteDescriptor(fd, DescriptorKind::kEventfd, (flags & EFD_CLOEXEC) != 0 ? NewDescriptorNumber() : 0);
  return fd;
}

INTERCEPT(int, epoll_create, int size) {
  const int fd = REAL(epoll_create)(size);
  NoteDescriptor(fd, DescriptorKind::kEpoll, NewDescriptorNumber());
  return fd;
}

INTERCEPT(int, epoll_create1, int flags) {
  const int fd = REAL(epoll_create1)(flags);
  NoteDescriptor(fd, DescriptorKind::kEpoll, NewDescriptorNumber());
  return fd;
}

INTERCEPT(int, signalfd, int fd, const sigset_t* signals, int flags) {
  const int result = REAL(signalfd)(fd, signals, flags);
  if (result >= 0) {
    uint64_t mask;
    memcpy(&mask, signals, sizeof(mask));
    NoteDescriptor(result, DescriptorKind::kSignalfd, mask);
  }
  return result;
}
