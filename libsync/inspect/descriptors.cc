#include "libsync/inspect/descriptors.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <optional>
#include <utility>

#include "libsync/inspect/proc.h"
#include "libsync/inspect/words.h"

namespace gordian::inspect {
namespace {

std::string LinkTarget(const std::string& path) {
  std::string target(4096, '\0');
  const ssize_t length = readlink(path.c_str(), target.data(), target.size());
  target.resize(length > 0 ? static_cast<size_t>(length) : 0);
  return target;
}

std::string Folder(pid_t pid, const char* name) { return "/proc/" + std::to_string(pid) + "/" + name; }

// The open flags, O_PATH alone where they cannot be told.
int Flags(const Descriptor& descriptor) {
  const std::optional<std::string> info =
      ReadText(Folder(descriptor.pid, "fdinfo/") + std::to_string(descriptor.number));
  int flags = O_PATH;
  // The first line is the position.
  if (!info || !Words(StatusField(*info, "flags")).Take(&flags, 8)) {
    return O_PATH;
  }
  return flags;
}

}  // namespace

std::string DescriptorTarget(pid_t pid, int descriptor) {
  return LinkTarget(Folder(pid, "fd/") + std::to_string(descriptor));
}

// Without asking a server on the network, which may hang itself.
std::optional<OpenFile> ReadOpenFile(pid_t pid, int descriptor) {
  struct statx found {};
  const std::string path = Folder(pid, "fd/") + std::to_string(descriptor);
  if (statx(AT_FDCWD, path.c_str(), AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT,
            STATX_TYPE | STATX_INO | STATX_NLINK, &found) != 0) {
    return std::nullopt;
  }
  return OpenFile{{uint64_t{found.stx_dev_major} << 32 | found.stx_dev_minor, found.stx_ino},
                  found.stx_mode,
                  found.stx_nlink};
}

std::string DescribeDescriptor(int descriptor, const std::string& target) {
  const std::string number = "fd " + std::to_string(descriptor);
  if (target.starts_with("pipe:")) {
    return number + ", a pipe";
  }
  if (target.starts_with("socket:")) {
    return number + ", a socket";
  }
  return target.empty() || target.starts_with("anon_inode:") ? number : number + ", " + target;
}

DescriptorTable::DescriptorTable(std::function<bool(pid_t)> counts) : counts_(std::move(counts)) {
  for (const pid_t pid : ListPids()) {
    if (pid == getpid()) {
      continue;
    }
    const std::string path = Folder(pid, "fd");
    const std::unique_ptr<DIR, int (*)(DIR*)> folder(opendir(path.c_str()), closedir);
    if (folder == nullptr) {
      NoteFailure(pid);
      continue;
    }
    while (const dirent* entry = readdir(folder.get())) {
      int number = 0;
      if (Words(entry->d_name).Take(&number)) {
        if (const auto file = ReadOpenFile(pid, number)) {
          by_file_[file->id].push_back({pid, number});
        } else {
          NoteFailure(pid);
        }
      }
    }
  }
}

void DescriptorTable::NoteFailure(pid_t pid) {
  const bool hidden = errno == EACCES || errno == EPERM;
  complete_ = complete_ && !(hidden && counts_(pid));
}

std::vector<Descriptor> DescriptorTable::OpenOn(const FileId& file) const {
  const auto found = by_file_.find(file);
  return found == by_file_.end() ? std::vector<Descriptor>() : found->second;
}

bool IsReadable(const Descriptor& descriptor) {
  const int flags = Flags(descriptor);
  return (flags & O_PATH) == 0 && (flags & O_ACCMODE) != O_WRONLY;
}

bool IsWritable(const Descriptor& descriptor) {
  const int flags = Flags(descriptor);
  return (flags & O_PATH) == 0 && (flags & O_ACCMODE) != O_RDONLY;
}

bool HoldsFileLock(const Descriptor& descriptor) {
  const std::optional<std::string> info =
      ReadText(Folder(descriptor.pid, "fdinfo/") + std::to_string(descriptor.number));
  return info && !StatusField(*info, "lock").empty();
}

std::optional<InheritedLock> FindInheritedLock(const Descriptor& descriptor) {
  const std::optional<std::string> info =
      ReadText(Folder(descriptor.pid, "fdinfo/") + std::to_string(descriptor.number));
  // "1: FLOCK  ADVISORY  WRITE 12 00:1c:345 0 EOF": who took it. A lock of fcntl goes to no child.
  Words words(info ? StatusField(*info, "lock") : "");
  words.Skip(1);
  const bool shared_by_fork = words.Next() == "FLOCK";
  words.Skip(2);
  InheritedLock lock;
  if (!shared_by_fork || !words.Take(&lock.taker) || lock.taker <= 0 || lock.taker == descriptor.pid) {
    return std::nullopt;
  }
  const std::optional<ProcStat> taker = ReadStat(lock.taker);
  lock.taker_ended = !taker || taker->IsZombie();
  return lock;
}

std::string DescribeHolder(const Descriptor& descriptor) {
  const std::string holder =
      "pid " + std::to_string(descriptor.pid) + " by fd " + std::to_string(descriptor.number);
  const std::optional<InheritedLock> lock = FindInheritedLock(descriptor);
  return !lock ? holder
               : holder + ", inherited by fork from pid " + std::to_string(lock->taker) +
                     (lock->taker_ended ? ", which has ended" : "");
}

}  // namespace gordian::inspect
