// The other ends of connected Unix sockets, and whether a call on a socket ends by itself.
//
// Thread safety: none; one thread at a time.
#ifndef GORDIAN_LIBSYNC_INSPECT_SOCKETS_H_
#define GORDIAN_LIBSYNC_INSPECT_SOCKETS_H_

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <optional>

namespace gordian::inspect {

// All Unix sockets of this network namespace at one moment, by the kernel's socket diagnosis.
class UnixSockets {
 public:
  UnixSockets();

  // The socket at the other end of a connected stream, both by their inodes. nullopt: it is none, it is of
  // another namespace, or the kernel does not tell. Nobody but these two has part in such a connection.
  std::optional<uint64_t> PeerOf(uint64_t inode) const;

 private:
  std::map<uint64_t, uint64_t> peers_;
};

// Whether it may be a Unix socket; false: it is one of the network.
bool IsLocalSocket(pid_t pid, int descriptor);

// Whether reading from, or writing to, this socket of another process ends after a time (SO_RCVTIMEO,
// SO_SNDTIMEO). nullopt: the kernel does not let us ask.
std::optional<bool> HasTimeout(pid_t pid, int descriptor, bool reading);

}  // namespace gordian::inspect

#endif  // GORDIAN_LIBSYNC_INSPECT_SOCKETS_H_
