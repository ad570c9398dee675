#include "libsync/inspect/sockets.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace gordian::inspect {
namespace {

// Newer than some kernel headers; the numbers are the same on all machines.
constexpr long kPidfdOpen = 434;
constexpr long kPidfdGetfd = 438;

struct Request {
  nlmsghdr header;
  unix_diag_req body;
};

// Of one socket, from the attributes behind its message; 0: none. Not const, since the kernel's macros are
// not.
uint64_t PeerIn(nlmsghdr* message) {
  int left = static_cast<int>(message->nlmsg_len) - static_cast<int>(NLMSG_LENGTH(sizeof(unix_diag_msg)));
  auto* attribute =
      reinterpret_cast<rtattr*>(static_cast<char*>(NLMSG_DATA(message)) + NLMSG_ALIGN(sizeof(unix_diag_msg)));
  for (; RTA_OK(attribute, left); attribute = RTA_NEXT(attribute, left)) {
    if (attribute->rta_type == UNIX_DIAG_PEER && RTA_PAYLOAD(attribute) >= sizeof(uint32_t)) {
      uint32_t peer = 0;
      std::memcpy(&peer, RTA_DATA(attribute), sizeof(peer));
      return peer;
    }
  }
  return 0;
}

}  // namespace

UnixSockets::UnixSockets() {
  const int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
  if (fd < 0) {
    return;
  }
  const timeval patience{2, 0};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  Request request{};
  request.header.nlmsg_len = sizeof(request);
  request.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  request.body.sdiag_family = AF_UNIX;
  request.body.udiag_states = 1U << TCP_ESTABLISHED;
  request.body.udiag_show = UDIAG_SHOW_PEER;
  bool more = send(fd, &request, sizeof(request), 0) == sizeof(request);
  std::vector<char> answer(size_t{1} << 16);
  while (more) {
    const ssize_t got = recv(fd, answer.data(), answer.size(), 0);
    auto left = static_cast<unsigned>(got > 0 ? got : 0);
    more = left > 0;
    for (auto* message = reinterpret_cast<nlmsghdr*>(answer.data()); NLMSG_OK(message, left);
         message = NLMSG_NEXT(message, left)) {
      if (message->nlmsg_type != SOCK_DIAG_BY_FAMILY ||
          message->nlmsg_len < NLMSG_LENGTH(sizeof(unix_diag_msg))) {
        more = false;  // the end, or an error
        break;
      }
      const auto* found = static_cast<const unix_diag_msg*>(NLMSG_DATA(message));
      const bool stream = found->udiag_type == SOCK_STREAM || found->udiag_type == SOCK_SEQPACKET;
      if (const uint64_t peer = stream ? PeerIn(message) : 0; peer != 0) {
        peers_[found->udiag_ino] = peer;
      }
    }
  }
  close(fd);
}

std::optional<uint64_t> UnixSockets::PeerOf(uint64_t inode) const {
  const auto peer = peers_.find(inode);
  if (peer == peers_.end()) {
    return std::nullopt;
  }
  const auto back = peers_.find(peer->second);
  return back != peers_.end() && back->second == inode ? std::optional(peer->second) : std::nullopt;
}

// "UNIX-STREAM", "UNIX", "TCP".
bool IsLocalSocket(pid_t pid, int descriptor) {
  std::array<char, 32> protocol{};
  const std::string path = "/proc/" + std::to_string(pid) + "/fd/" + std::to_string(descriptor);
  const ssize_t length = getxattr(path.c_str(), "system.sockprotoname", protocol.data(), protocol.size() - 1);
  return length <= 0 || std::string_view(protocol.data()).starts_with("UNIX");
}

std::optional<bool> HasTimeout(pid_t pid, int descriptor, bool reading) {
  const auto process = static_cast<int>(syscall(kPidfdOpen, pid, 0));
  const auto copy = static_cast<int>(process < 0 ? -1 : syscall(kPidfdGetfd, process, descriptor, 0));
  timeval timeout{};
  socklen_t size = sizeof(timeout);
  const bool told =
      copy >= 0 && getsockopt(copy, SOL_SOCKET, reading ? SO_RCVTIMEO : SO_SNDTIMEO, &timeout, &size) == 0;
  for (const int fd : {process, copy}) {
    if (fd >= 0) {
      close(fd);
    }
  }
  return told ? std::optional(timeout.tv_sec != 0 || timeout.tv_usec != 0) : std::nullopt;
}

}  // namespace gordian::inspect
