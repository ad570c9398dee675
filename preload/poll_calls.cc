// Calls that wait until something can be read: who is told so follows who gave it, also where nobody reads
// it.
#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>

#include "libsync/record/channels.h"
#include "preload/intercept.h"

using namespace gordian::record;

namespace {

constexpr short kReadable = POLLIN | POLLPRI | POLLRDNORM | POLLRDBAND | POLLRDHUP | POLLHUP | POLLERR;

// `result`: how many of them the call tells of.
void AfterPoll(const pollfd* fds, nfds_t count, int result) {
  for (nfds_t i = 0; result > 0 && i < count; ++i) {
    result -= fds[i].revents != 0 ? 1 : 0;
    if ((fds[i].revents & kReadable) != 0) {
      AfterTaking(fds[i].fd);
    }
  }
}

void AfterSelect(int count, const fd_set* readable, int result) {
  if (result <= 0 || readable == nullptr) {
    return;
  }
  for (int first = 0; first < count; first += NFDBITS) {
    auto bits = static_cast<unsigned long>(readable->fds_bits[first / NFDBITS]);
    for (; bits != 0; bits &= bits - 1) {
      if (const int fd = first + __builtin_ctzl(bits); fd < count) {
        AfterTaking(fd);
      }
    }
  }
}

void AfterEpoll(int epoll, const epoll_event* events, int result) {
  if (result <= 0 || HandsOverNothing(epoll, Flow::kTake)) {
    return;
  }
  AfterTaking(epoll);
  if (WatchesChannels(epoll)) {
    for (int i = 0; i < result; ++i) {
      AfterEpollWait(epoll, events[i].data.u64);
    }
  }
}

}  // namespace

INTERCEPT(int, poll, pollfd* fds, nfds_t count, int timeout) {
  const int result = REAL(poll)(fds, count, timeout);
  AfterPoll(fds, count, result);
  return result;
}
INTERCEPT_ALIAS(__poll, poll)

INTERCEPT(int, __poll_chk, pollfd* fds, nfds_t count, int timeout, size_t room) {
  const int result = REAL(__poll_chk)(fds, count, timeout, room);
  AfterPoll(fds, count, result);
  return result;
}

INTERCEPT(int, ppoll, pollfd* fds, nfds_t count, const timespec* timeout, const sigset_t* mask) {
  const int result = REAL(ppoll)(fds, count, timeout, mask);
  AfterPoll(fds, count, result);
  return result;
}

INTERCEPT(int, __ppoll_chk, pollfd* fds, nfds_t count, const timespec* timeout, const sigset_t* mask,
          size_t room) {
  const int result = REAL(__ppoll_chk)(fds, count, timeout, mask, room);
  AfterPoll(fds, count, result);
  return result;
}

INTERCEPT(int, select, int count, fd_set* readable, fd_set* writable, fd_set* urgent, timeval* timeout) {
  const int result = REAL(select)(count, readable, writable, urgent, timeout);
  AfterSelect(count, readable, result);
  return result;
}
INTERCEPT_ALIAS(__select, select)

INTERCEPT(int, pselect, int count, fd_set* readable, fd_set* writable, fd_set* urgent,
          const timespec* timeout, const sigset_t* mask) {
  const int result = REAL(pselect)(count, readable, writable, urgent, timeout, mask);
  AfterSelect(count, readable, result);
  return result;
}

// What one thread has an epoll instance watch may wake the one that waits at it.
INTERCEPT(int, epoll_ctl, int epoll, int operation, int fd, epoll_event* event) {
  if (operation != EPOLL_CTL_DEL && event != nullptr) {
    BeforeWatching(epoll, fd, event, CALL_SITE());
  }
  return REAL(epoll_ctl)(epoll, operation, fd, event);
}

INTERCEPT(int, epoll_wait, int epoll, epoll_event* events, int most, int timeout) {
  const int result = REAL(epoll_wait)(epoll, events, most, timeout);
  AfterEpoll(epoll, events, result);
  return result;
}

INTERCEPT(int, epoll_pwait, int epoll, epoll_event* events, int most, int timeout, const sigset_t* mask) {
  const int result = REAL(epoll_pwait)(epoll, events, most, timeout, mask);
  AfterEpoll(epoll, events, result);
  return result;
}

INTERCEPT(int, epoll_pwait2, int epoll, epoll_event* events, int most, const timespec* timeout,
          const sigset_t* mask) {
  const int result = REAL(epoll_pwait2)(epoll, events, most, timeout, mask);
  AfterEpoll(epoll, events, result);
  return result;
}
