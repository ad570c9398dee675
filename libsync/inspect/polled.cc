#include "libsync/inspect/polled.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/syscall.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <map>
#include <string>
#include <string_view>

#include "libsync/inspect/words.h"

namespace gordian::inspect {
namespace {

constexpr int64_t kEpollPwait2 = 441;
// Who serves more than this waits for the world.
constexpr size_t kMost = 64;
constexpr size_t kMostSelected = 1024;
constexpr uint32_t kReadEvents = POLLIN | POLLRDNORM | POLLPRI | POLLRDHUP;
constexpr uint32_t kWriteEvents = POLLOUT | POLLWRNORM;
static_assert(EPOLLIN == POLLIN && EPOLLOUT == POLLOUT && EPOLLPRI == POLLPRI, "the same events");

using List = std::optional<std::vector<Polled>>;

// Errors and the end of the other side are told of each, whatever is asked for: who only waits for these
// reads.
Polled Of(int number, uint32_t events) {
  const bool writes = (events & kWriteEvents) != 0;
  return {number, (events & kReadEvents) != 0 || !writes, writes};
}

List OfPoll(const TaskWait& wait, const Memory& memory) {
  const uint64_t count = wait.args[1];
  std::array<pollfd, kMost> entries{};
  const size_t bytes = std::min<size_t>(count, kMost) * sizeof(pollfd);
  if (count > kMost || memory.Read(wait.args[0], entries.data(), bytes) != bytes) {
    return std::nullopt;
  }
  std::vector<Polled> polled;
  for (size_t i = 0; i < count; ++i) {
    if (entries[i].fd >= 0) {
      polled.push_back(Of(entries[i].fd, static_cast<uint32_t>(entries[i].events)));
    }
  }
  return polled;
}

// While it sleeps, the sets are as the program filled them.
List OfSelect(const TaskWait& wait, const Memory& memory) {
  const uint64_t count = wait.args[0];
  if (count > kMostSelected) {
    return std::nullopt;
  }
  std::map<int, uint32_t> events;
  constexpr std::array<uint32_t, 3> kinds = {POLLIN, POLLOUT, POLLPRI};
  for (size_t kind = 0; kind < kinds.size(); ++kind) {
    std::array<uint64_t, kMostSelected / 64> set{};
    const size_t bytes = (count + 63) / 64 * sizeof(uint64_t);
    const uint64_t address = wait.args[kind + 1];
    if (address != 0 && memory.Read(address, set.data(), bytes) != bytes) {
      return std::nullopt;
    }
    for (size_t number = 0; number < count; ++number) {
      if ((set[number / 64] >> (number % 64) & 1) != 0) {
        events[static_cast<int>(number)] |= kinds[kind];
      }
    }
  }
  std::vector<Polled> polled;
  for (const auto& [number, wanted] : events) {
    polled.push_back(Of(number, wanted));
  }
  return polled.size() > kMost ? std::nullopt : List(std::move(polled));
}

// "tfd:        3 events:       19 data: ..." for each member of the set.
List OfEpoll(pid_t pid, const TaskWait& wait) {
  const auto info =
      ReadText("/proc/" + std::to_string(pid) + "/fdinfo/" + std::to_string(static_cast<int>(wait.args[0])));
  if (!info) {
    return std::nullopt;
  }
  std::vector<Polled> polled;
  for (std::string_view rest = *info; !rest.empty();) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    Words words(line);
    if (words.Next() != "tfd:") {
      continue;
    }
    int number = 0;
    uint32_t events = 0;
    if (!words.Take(&number) || words.Next() != "events:" || !words.Take(&events, 16) ||
        polled.size() == kMost) {
      return std::nullopt;
    }
    // A member that has told its one event is asleep until it is armed again.
    if ((events & ~static_cast<uint32_t>(EPOLLONESHOT | EPOLLET | EPOLLEXCLUSIVE | EPOLLWAKEUP)) != 0) {
      polled.push_back(Of(number, events));
    }
  }
  return polled;
}

}  // namespace

bool IsEpoll(int64_t number) {
  return number == SYS_epoll_wait || number == SYS_epoll_pwait || number == kEpollPwait2;
}

bool IsPoll(int64_t number) {
  return IsEpoll(number) || number == SYS_poll || number == SYS_ppoll || number == SYS_select ||
         number == SYS_pselect6;
}

List PolledBy(pid_t pid, const TaskWait& wait, const Memory& memory) {
  if (IsEpoll(wait.syscall)) {
    return OfEpoll(pid, wait);
  }
  return wait.syscall == SYS_poll || wait.syscall == SYS_ppoll ? OfPoll(wait, memory)
                                                               : OfSelect(wait, memory);
}

}  // namespace gordian::inspect
