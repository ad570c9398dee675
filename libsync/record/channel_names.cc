#include "libsync/record/channel_names.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/in.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cstring>

#include "libsync/record/raw.h"
#include "libsync/record/table.h"
#include "libsync/record/text.h"

namespace gordian::record {
namespace {

union Address {
  sockaddr any;
  sockaddr_in v4;
  sockaddr_in6 v6;
  sockaddr_un local;
  sockaddr_storage room;
};

uint64_t HashOf(const void* bytes, size_t count) {
  const auto* at = static_cast<const unsigned char*>(bytes);
  uint64_t hash = count;
  for (size_t i = 0; i < count; ++i) {
    hash = MixBits(hash ^ at[i]);
  }
  return hash;
}

bool IsInternet(const Address& address) {
  return address.any.sa_family == AF_INET || address.any.sa_family == AF_INET6;
}

uint16_t PortOf(const Address& address) {
  return address.any.sa_family == AF_INET ? address.v4.sin_port : address.v6.sin6_port;
}

// An address of the older family, also where it is written as one of the newer; 0: it is none.
uint32_t OldAddressOf(const Address& address) {
  if (address.any.sa_family == AF_INET) {
    return address.v4.sin_addr.s_addr;
  }
  if (IN6_IS_ADDR_V4MAPPED(&address.v6.sin6_addr)) {
    uint32_t old;
    memcpy(&old, address.v6.sin6_addr.s6_addr + 12, sizeof(old));
    return old;
  }
  return 0;
}

uint64_t HostOf(const Address& address) {
  const uint32_t old = OldAddressOf(address);
  return old != 0 || address.any.sa_family == AF_INET ? old : HashOf(&address.v6.sin6_addr, sizeof(in6_addr));
}

bool IsLoopback(const Address& address) {
  if (const uint32_t old = OldAddressOf(address); old != 0) {
    return (old & 0xFF) == 127;  // in the order of the network: its first byte
  }
  return address.any.sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&address.v6.sin6_addr);
}

uint64_t EndpointOf(const Address& address) {
  return MixBits(HostOf(address) ^ uint64_t{PortOf(address)} << 48);
}

// Where a Unix socket is bound; 0: nowhere.
uint64_t PathOf(const Address& address, socklen_t bytes) {
  constexpr size_t before = offsetof(sockaddr_un, sun_path);
  if (address.any.sa_family != AF_UNIX || bytes <= before) {
    return 0;
  }
  const size_t most =
      bytes - before < sizeof(address.local.sun_path) ? bytes - before : sizeof(address.local.sun_path);
  const bool is_abstract = address.local.sun_path[0] == '\0';
  return HashOf(address.local.sun_path, is_abstract ? most : strnlen(address.local.sun_path, most)) | 1;
}

// SYS_getsockname or SYS_getpeername.
bool Ask(long call, int fd, Address* address, socklen_t* bytes) {
  *bytes = sizeof(*address);
  memset(address, 0, sizeof(*address));
  return RawSyscall(call, fd, ToRaw(address), ToRaw(bytes)) == 0;
}

bool IsDatagram(int fd) {
  int type = 0;
  socklen_t bytes = sizeof(type);
  RawSyscall(SYS_getsockopt, fd, SOL_SOCKET, SO_TYPE, ToRaw(&type), ToRaw(&bytes));
  return type == SOCK_DGRAM;
}

// The inode of a Unix socket's peer, which only the kernel's diagnosis of sockets tells; 0: it has none (any
// more).
uint64_t AskPeer(uint64_t inode) {
  struct {
    nlmsghdr header;
    unix_diag_req request;
  } ask{};
  ask.header.nlmsg_len = sizeof(ask);
  ask.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  ask.header.nlmsg_flags = NLM_F_REQUEST;
  ask.request.sdiag_family = AF_UNIX;
  ask.request.udiag_states = ~0u;
  ask.request.udiag_ino = static_cast<uint32_t>(inode);
  ask.request.udiag_show = UDIAG_SHOW_PEER;
  memset(ask.request.udiag_cookie, 0xFF, sizeof(ask.request.udiag_cookie));
  const long netlink = RawSyscall(SYS_socket, AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
  if (netlink < 0) {
    return 0;
  }
  alignas(nlmsghdr) char answer[512];
  long bytes = RawSyscall(SYS_sendto, netlink, ToRaw(&ask), sizeof(ask));
  bytes = bytes < 0 ? bytes : RawSyscall(SYS_recvfrom, netlink, ToRaw(answer), sizeof(answer), MSG_DONTWAIT);
  RawSyscall(SYS_close, netlink);
  const auto* header = reinterpret_cast<const nlmsghdr*>(answer);
  const long room = static_cast<long>(NLMSG_LENGTH(sizeof(unix_diag_msg)));
  if (bytes < room || header->nlmsg_type != SOCK_DIAG_BY_FAMILY) {
    return 0;
  }
  long left = bytes - room;
  const auto* attribute = reinterpret_cast<const rtattr*>(answer + NLMSG_ALIGN(static_cast<size_t>(room)));
  while (RTA_OK(attribute, left)) {
    if (attribute->rta_type == UNIX_DIAG_PEER) {
      uint32_t peer;
      memcpy(&peer, RTA_DATA(attribute), sizeof(peer));
      return peer;
    }
    attribute = RTA_NEXT(attribute, left);
  }
  return 0;
}

Named NameOfUnixEnd(int fd, Flow flow, const struct stat& status, const Address& own, socklen_t own_bytes,
                    ChannelName* name) {
  if (IsDatagram(fd)) {
    Address bound = own;
    socklen_t bytes = own_bytes;
    const bool known = flow == Flow::kTake || Ask(SYS_getpeername, fd, &bound, &bytes);
    if (const uint64_t path = known ? PathOf(bound, bytes) : 0; path != 0) {
      *name = ChannelName{ChannelFamily::kPath, 0, path};
      return Named::kYes;
    }
  }
  if (flow == Flow::kGive) {
    *name = ChannelName{ChannelFamily::kSender, status.st_dev, status.st_ino};
    return Named::kYes;
  }
  uint64_t peer = DescriptorAt(fd).detail;
  if (peer == 0) {
    peer = AskPeer(status.st_ino);
    SetDetail(fd, peer);
  }
  *name = ChannelName{ChannelFamily::kSender, status.st_dev, peer};
  return peer != 0 ? Named::kYes : Named::kNotYet;
}

Named NameOfInternetEnd(int fd, Flow flow, const Address& own, ChannelName* name) {
  Address peer;
  socklen_t bytes;
  const bool is_datagram = IsDatagram(fd);
  if (is_datagram && flow == Flow::kTake) {
    *name = ChannelName{ChannelFamily::kPort, 0, PortOf(own)};
    return Named::kYes;
  }
  if (!Ask(SYS_getpeername, fd, &peer, &bytes)) {
    return Named::kNotYet;
  }
  if (!IsLoopback(peer) && HostOf(peer) != HostOf(own)) {
    return Named::kNothing;
  }
  if (is_datagram) {
    *name = ChannelName{ChannelFamily::kPort, 0, PortOf(peer)};
  } else {
    const bool gives = flow == Flow::kGive;
    *name = ChannelName{ChannelFamily::kConnection, EndpointOf(gives ? own : peer),
                        EndpointOf(gives ? peer : own)};
  }
  return Named::kYes;
}

Named NameOfSocketEnd(int fd, Flow flow, const struct stat& status, ChannelName* name) {
  Address own;
  socklen_t bytes;
  if (!Ask(SYS_getsockname, fd, &own, &bytes)) {
    return Named::kNotYet;
  }
  return own.any.sa_family == AF_UNIX ? NameOfUnixEnd(fd, flow, status, own, bytes, name)
         : IsInternet(own)            ? NameOfInternetEnd(fd, flow, own, name)
                                      : Named::kNothing;
}

// The number behind a word in the kernel's lines on a descriptor. False: it says no such word.
bool FindNumber(const char* text, const char* word, unsigned base, uint64_t* number) {
  const char* at = strstr(text, word);
  if (at == nullptr) {
    return false;
  }
  *number = 0;
  for (at += strlen(word); *at == ' ' || *at == '\t'; ++at) {
  }
  for (; *at != '\0' && *at != '\n'; ++at) {
    const auto digit = static_cast<unsigned>(*at <= '9' ? *at - '0' : *at - 'a' + 10);
    if (digit >= base) {
      break;
    }
    *number = *number * base + digit;
  }
  return true;
}

// An eventfd and its kin have no file type, and share one inode.
Named NameOfAnonymousEnd(int fd, ChannelName* name) {
  TextBuffer path;
  path.Append("/proc/self/fdinfo/");
  path.AppendNumber(static_cast<uint64_t>(fd));
  char text[512];
  if (ReadSmallFile(path.text(), text, sizeof(text)) <= 0) {
    return Named::kNothing;
  }
  uint64_t number = 0;
  if (FindNumber(text, "\nsigmask:", 16, &number)) {
    NoteDescriptor(fd, DescriptorKind::kSignalfd, number);
    return Named::kNotYet;
  }
  if (!FindNumber(text, "\neventfd-id:", 10, &number)) {
    return Named::kNothing;
  }
  *name = ChannelName{ChannelFamily::kEventfd, 0, number};
  return Named::kYes;
}

}  // namespace

Named NameOfEnd(int fd, Flow flow, ChannelName* name) {
  const Descriptor known = DescriptorAt(fd);
  const bool numbered = known.kind == DescriptorKind::kEventfd || known.kind == DescriptorKind::kEpoll;
  if (numbered && known.detail != 0) {
    *name = ChannelName{ChannelFamily::kNumber, 0, known.detail};
    return Named::kYes;
  }
  struct stat status;
  if (g_no_syscalls || RawSyscall(SYS_fstat, fd, ToRaw(&status)) != 0) {
    return Named::kNotYet;
  }
  switch (status.st_mode & S_IFMT) {
    case S_IFIFO:
      break;
    case S_IFREG:
      if (known.kind != DescriptorKind::kMessageQueue) {
        return Named::kNothing;
      }
      break;
    case S_IFSOCK:
      return NameOfSocketEnd(fd, flow, status, name);
    case 0:
      return NameOfAnonymousEnd(fd, name);
    default:
      return Named::kNothing;
  }
  *name = ChannelName{ChannelFamily::kInode, status.st_dev, status.st_ino};
  return Named::kYes;
}

namespace {

// What a program passes on for the kernel to judge.
bool Read(const void* from, socklen_t bytes, Address* address) {
  const socklen_t most = bytes < sizeof(sockaddr_un) ? bytes : sizeof(sockaddr_un);
  memset(address, 0, sizeof(*address));
  return from != nullptr && most >= sizeof(sa_family_t) && IsReadable(from, most) &&
         memcpy(address, from, most) != nullptr;
}

}  // namespace

bool NameOfReceiver(const void* address, socklen_t bytes, ChannelName* name) {
  Address to;
  if (!Read(address, bytes, &to)) {
    return false;
  }
  if (IsInternet(to)) {
    *name = ChannelName{ChannelFamily::kPort, 0, PortOf(to)};
    return true;
  }
  *name = ChannelName{ChannelFamily::kPath, 0, PathOf(to, bytes)};
  return name->number != 0;
}

namespace {

bool NameListener(const Address& address, socklen_t bytes, ChannelName* name) {
  *name = ChannelName{ChannelFamily::kListener, address.any.sa_family == AF_UNIX,
                      IsInternet(address) ? PortOf(address) : PathOf(address, bytes)};
  return name->number != 0;
}

}  // namespace

bool NameOfListener(const void* address, socklen_t bytes, ChannelName* name) {
  Address to;
  return Read(address, bytes, &to) && (!IsInternet(to) || IsLoopback(to)) && NameListener(to, bytes, name);
}

bool NameOfOwnListener(int fd, ChannelName* name) {
  Address own;
  socklen_t bytes;
  return !g_no_syscalls && Ask(SYS_getsockname, fd, &own, &bytes) && NameListener(own, bytes, name);
}

ChannelName NameOfSignal(pid_t pid, int signal) {
  const auto process = static_cast<uint64_t>(pid != 0 || g_no_syscalls ? pid : RawGetpid());
  return ChannelName{ChannelFamily::kSignal, static_cast<uint64_t>(signal), process};
}

ChannelName NameOfQueue(int queue) {
  return ChannelName{ChannelFamily::kQueue, 0, static_cast<uint64_t>(queue)};
}

}  // namespace gordian::record
