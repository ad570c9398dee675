// Reads and writes: what goes through a pipe, a socket or an eventfd orders who gives before who takes. Of
// any other descriptor they look at one byte and go on. Each is a cancellation point in which nothing of ours
// is left behind.
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cstring>

#include "libsync/record/channels.h"
#include "preload/intercept.h"

using namespace gordian::record;

namespace {

// `call` is the hook's own REAL.
template <typename Call>
__attribute__((always_inline)) inline auto Take(int fd, Call call) {
  const auto result = call();
  if (result >= 0) {
    AfterTaking(fd);
  }
  return result;
}

// Descriptors that came with a message are new ones.
void NoteReceived(msghdr* message) {
  for (cmsghdr* part = message->msg_controllen != 0 ? CMSG_FIRSTHDR(message) : nullptr; part != nullptr;
       part = CMSG_NXTHDR(message, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) {
      continue;
    }
    for (size_t at = CMSG_LEN(0); at + sizeof(int) <= part->cmsg_len; at += sizeof(int)) {
      int fd;
      memcpy(&fd, reinterpret_cast<const char*>(part) + at, sizeof(fd));
      ForgetDescriptor(fd);
    }
  }
}

}  // namespace

INTERCEPT(ssize_t, read, int fd, void* buffer, size_t bytes) {
  return HandsOverNothing(fd, Flow::kTake) ? REAL(read)(fd, buffer, bytes)
                                           : Take(fd, [=] { return REAL(read)(fd, buffer, bytes); });
}
INTERCEPT_ALIAS(__read, read)

INTERCEPT(ssize_t, __read_chk, int fd, void* buffer, size_t bytes, size_t room) {
  return Take(fd, [=] { return REAL(__read_chk)(fd, buffer, bytes, room); });
}

INTERCEPT(ssize_t, readv, int fd, const iovec* parts, int count) {
  return Take(fd, [=] { return REAL(readv)(fd, parts, count); });
}

INTERCEPT(ssize_t, recv, int fd, void* buffer, size_t bytes, int flags) {
  return HandsOverNothing(fd, Flow::kTake) ? REAL(recv)(fd, buffer, bytes, flags)
                                           : Take(fd, [=] { return REAL(recv)(fd, buffer, bytes, flags); });
}

INTERCEPT(ssize_t, __recv_chk, int fd, void* buffer, size_t bytes, size_t room, int flags) {
  return Take(fd, [=] { return REAL(__recv_chk)(fd, buffer, bytes, room, flags); });
}

INTERCEPT(ssize_t, recvfrom, int fd, void* buffer, size_t bytes, int flags, sockaddr* from, socklen_t* size) {
  return Take(fd, [=] { return REAL(recvfrom)(fd, buffer, bytes, flags, from, size); });
}

INTERCEPT(ssize_t, __recvfrom_chk, int fd, void* buffer, size_t bytes, size_t room, int flags, sockaddr* from,
          socklen_t* size) {
  return Take(fd, [=] { return REAL(__recvfrom_chk)(fd, buffer, bytes, room, flags, from, size); });
}

INTERCEPT(ssize_t, recvmsg, int fd, msghdr* message, int flags) {
  const ssize_t result = Take(fd, [=] { return REAL(recvmsg)(fd, message, flags); });
  if (result >= 0) {
    NoteReceived(message);
  }
  return result;
}

INTERCEPT(int, recvmmsg, int fd, mmsghdr* messages, unsigned count, int flags, timespec* timeout) {
  const int result = Take(fd, [=] { return REAL(recvmmsg)(fd, messages, count, flags, timeout); });
  for (int i = 0; i < result; ++i) {
    NoteReceived(&messages[i].msg_hdr);
  }
  return result;
}

INTERCEPT(int, eventfd_read, int fd, eventfd_t* value) {
  return Take(fd, [=] { return REAL(eventfd_read)(fd, value); });
}

INTERCEPT(ssize_t, write, int fd, const void* buffer, size_t bytes) {
  BeforeGiving(fd, CALL_SITE());
  return REAL(write)(fd, buffer, bytes);
}
INTERCEPT_ALIAS(__write, write)

INTERCEPT(ssize_t, writev, int fd, const iovec* parts, int count) {
  BeforeGiving(fd, CALL_SITE());
  return REAL(writev)(fd, parts, count);
}

INTERCEPT(ssize_t, send, int fd, const void* buffer, size_t bytes, int flags) {
  BeforeGiving(fd, CALL_SITE());
  return REAL(send)(fd, buffer, bytes, flags);
}
INTERCEPT_ALIAS(__send, send)

INTERCEPT(ssize_t, sendto, int fd, const void* buffer, size_t bytes, int flags, const sockaddr* to,
          socklen_t size) {
  BeforeGivingTo(fd, to, size, CALL_SITE());
  return REAL(sendto)(fd, buffer, bytes, flags, to, size);
}

INTERCEPT(ssize_t, sendmsg, int fd, const msghdr* message, int flags) {
  BeforeGivingMessage(fd, message, CALL_SITE());
  return REAL(sendmsg)(fd, message, flags);
}

INTERCEPT(int, sendmmsg, int fd, mmsghdr* messages, unsigned count, int flags) {
  BeforeGivingMessage(fd, count != 0 ? &messages->msg_hdr : nullptr, CALL_SITE());
  return REAL(sendmmsg)(fd, messages, count, flags);
}

INTERCEPT(int, eventfd_write, int fd, eventfd_t value) {
  BeforeGiving(fd, CALL_SITE());
  return REAL(eventfd_write)(fd, value);
}

INTERCEPT(ssize_t, sendfile, int to, int from, off_t* offset, size_t bytes) {
  BeforeGiving(to, CALL_SITE());
  return REAL(sendfile)(to, from, offset, bytes);
}
INTERCEPT_ALIAS(sendfile64, sendfile)

INTERCEPT(ssize_t, splice, int from, off64_t* from_offset, int to, off64_t* to_offset, size_t bytes,
          unsigned flags) {
  BeforeGiving(to, CALL_SITE());
  return Take(from, [=] { return REAL(splice)(from, from_offset, to, to_offset, bytes, flags); });
}

INTERCEPT(ssize_t, tee, int from, int to, size_t bytes, unsigned flags) {
  BeforeGiving(to, CALL_SITE());
  return Take(from, [=] { return REAL(tee)(from, to, bytes, flags); });
}

INTERCEPT(ssize_t, vmsplice, int to, const iovec* parts, size_t count, unsigned flags) {
  BeforeGiving(to, CALL_SITE());
  return REAL(vmsplice)(to, parts, count, flags);
}

// Its peer is told that no more will come.
INTERCEPT(int, shutdown, int fd, int how) {
  BeforeGiving(fd, CALL_SITE());
  return REAL(shutdown)(fd, how);
}
