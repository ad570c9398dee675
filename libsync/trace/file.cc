#include "libsync/trace/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace gordian::trace {

std::optional<SafeFile> SafeFile::Open(const std::string& path, bool any_owner, std::string* why) {
  const int fd = open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) {
    *why = errno == ELOOP ? "is a symbolic link" : std::string("cannot be opened: ") + strerror(errno);
    return std::nullopt;
  }
  SafeFile file(fd, 0);
  struct stat status;
  if (fstat(fd, &status) != 0) {
    *why = std::string("cannot be examined: ") + strerror(errno);
    return std::nullopt;
  }
  if (!S_ISREG(status.st_mode)) {
    *why = "is not a regular file";
    return std::nullopt;
  }
  if (!any_owner && status.st_uid != geteuid()) {
    *why = "belongs to another user (uid " + std::to_string(status.st_uid) + ")";
    return std::nullopt;
  }
  file.size_ = static_cast<uint64_t>(status.st_size);
  return file;
}

SafeFile::SafeFile(SafeFile&& other) noexcept : fd_(std::exchange(other.fd_, -1)), size_(other.size_) {}

SafeFile& SafeFile::operator=(SafeFile&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(size_, other.size_);
  return *this;
}

SafeFile::~SafeFile() {
  if (fd_ >= 0) {
    close(fd_);
  }
}

size_t SafeFile::ReadAt(uint64_t offset, void* to, size_t bytes) const {
  size_t done = 0;
  while (done < bytes) {
    const ssize_t got =
        pread(fd_, static_cast<char*>(to) + done, bytes - done, static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got <= 0) {
      break;
    }
    done += static_cast<size_t>(got);
  }
  return done;
}

}  // namespace gordian::trace
