// Which processes have which descriptors: the other ends of pipes, and the holders of file locks.
//
// Thread safety: none; one thread at a time.
#ifndef GORDIAN_LIBSYNC_INSPECT_DESCRIPTORS_H_
#define GORDIAN_LIBSYNC_INSPECT_DESCRIPTORS_H_

#include <sys/types.h>

#include <compare>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace gordian::inspect {

// What a descriptor is open on, as the kernel names it: "pipe:[123]", "socket:[124]", a path; empty when it
// cannot be told.
std::string DescriptorTarget(pid_t pid, int descriptor);

// The file itself, whatever its name is there: equal for a pipe's ends, and for all who have a file open.
struct FileId {
  uint64_t device = 0;
  uint64_t inode = 0;
  auto operator<=>(const FileId&) const = default;
};
struct OpenFile {
  FileId id;
  uint32_t mode = 0;   // as of stat
  uint32_t links = 0;  // names that it has
};
std::optional<OpenFile> ReadOpenFile(pid_t pid, int descriptor);

// For people: "fd 5, a pipe".
std::string DescribeDescriptor(int descriptor, const std::string& target);

struct Descriptor {
  pid_t pid = 0;
  int number = 0;
};

// All descriptors of all processes at one moment.
class DescriptorTable {
 public:
  // `counts`: whether a process that does not let us look may have what is asked for.
  explicit DescriptorTable(std::function<bool(pid_t)> counts);

  // Some process that counts did not let us look: there may be more of everything.
  bool complete() const { return complete_; }
  std::vector<Descriptor> OpenOn(const FileId& file) const;

 private:
  void NoteFailure(pid_t pid);  // by errno

  std::function<bool(pid_t)> counts_;
  bool complete_ = true;
  std::map<FileId, std::vector<Descriptor>> by_file_;
};

// Whether a process can read from, or write to, what one of its descriptors is open on.
bool IsReadable(const Descriptor& descriptor);
bool IsWritable(const Descriptor& descriptor);
// Whether a file lock was taken through it that is in force.
bool HoldsFileLock(const Descriptor& descriptor);
// The lock of a file that a descriptor holds and another process took.
struct InheritedLock {
  pid_t taker = 0;
  bool taker_ended = false;
};
std::optional<InheritedLock> FindInheritedLock(const Descriptor& descriptor);
// For people, who has the lock that it holds: "pid 12 by fd 3, inherited by fork from pid 11, which has
// ended".
std::string DescribeHolder(const Descriptor& descriptor);

}  // namespace gordian::inspect

#endif  // GORDIAN_LIBSYNC_INSPECT_DESCRIPTORS_H_
