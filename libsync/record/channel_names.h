// Which channel an end of a descriptor leads to: a name that is the same in all threads and processes that
// give to it or take from it, asked of the kernel.
//
// What is written to a socket is taken from its peer's, so a channel is named by who sends: by the sending
// socket's inode, or by both addresses of a connection on this machine. A datagram with an address goes to
// whoever is bound to it.
//
// No allocation, no libc; a descriptor is open for a moment where only a file of /proc, or netlink, can tell.
#ifndef GORDIAN_LIBSYNC_RECORD_CHANNEL_NAMES_H_
#define GORDIAN_LIBSYNC_RECORD_CHANNEL_NAMES_H_

#include <sys/socket.h>
#include <sys/types.h>

#include <cstdint>

#include "libsync/record/descriptors.h"

namespace gordian::record {

enum class ChannelFamily : uint8_t {
  kInode = 1,       // a pipe, a FIFO, a message queue: device and inode
  kNumber = 2,      // an eventfd or epoll instance that a hook saw being made
  kEventfd = 3,     // another eventfd: the kernel's number
  kSender = 4,      // a Unix socket: device and inode of who sends
  kConnection = 5,  // over the loopback: both addresses, the sender's first
  kPort = 6,        // a datagram socket of the internet family: where it is bound
  kPath = 7,        // a Unix datagram socket: where it is bound
  kListener = 8,    // a listening socket: its port or path
  kSignal = 9,      // number in `device`, process in `number`
  kQueue = 10,      // a System V message queue
};
struct ChannelName {
  ChannelFamily family;
  uint64_t device;
  uint64_t number;
};

enum class Named : uint8_t { kYes, kNothing, kNotYet };
Named NameOfEnd(int fd, Flow flow, ChannelName* name);
// Of a datagram to this address. False: the address tells nothing.
bool NameOfReceiver(const void* address, socklen_t bytes, ChannelName* name);
bool NameOfListener(const void* address, socklen_t bytes, ChannelName* name);
bool NameOfOwnListener(int fd, ChannelName* name);
// `pid` 0: this process.
ChannelName NameOfSignal(pid_t pid, int signal);
ChannelName NameOfQueue(int queue);

}  // namespace gordian::record

#endif  // GORDIAN_LIBSYNC_RECORD_CHANNEL_NAMES_H_
