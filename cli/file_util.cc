#include "cli/file_util.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "cli/message.h"

namespace gordian::cli {

std::vector<std::string> ListNames(const std::string& folder) {
  std::vector<std::string> names;
  DIR* dir = opendir(folder.c_str());
  if (dir == nullptr) {
    return names;
  }
  while (const dirent* entry = readdir(dir)) {
    if (std::strcmp(entry->d_name, ".") != 0 && std::strcmp(entry->d_name, "..") != 0) {
      names.emplace_back(entry->d_name);
    }
  }
  closedir(dir);
  return names;
}

std::string ReadSmallFile(const std::string& path, size_t limit) {
  int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  if (fd < 0) {
    return "";
  }
  std::string text;
  char buffer[4096];
  while (text.size() < limit) {
    ssize_t n = read(fd, buffer, std::min(sizeof(buffer), limit - text.size()));
    if (n < 0 && errno == EINTR) {
      continue;
    }
    if (n <= 0) {
      break;
    }
    text.append(buffer, static_cast<size_t>(n));
  }
  close(fd);
  return text;
}

std::optional<std::string> ReadFile(const std::string& path, size_t limit, std::string* why) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY);
  if (fd < 0) {
    *why = ErrnoText(path);
    return std::nullopt;
  }
  std::string text;
  std::string buffer(65536, '\0');
  ssize_t n = 0;
  while (text.size() <= limit &&
         ((n = read(fd, buffer.data(), buffer.size())) > 0 || (n < 0 && errno == EINTR))) {
    text.append(buffer, 0, static_cast<size_t>(std::max<ssize_t>(n, 0)));
  }
  *why = n < 0 ? ErrnoText(path) : text.size() > limit ? path + ": it is too long" : "";
  close(fd);
  return why->empty() ? std::optional(std::move(text)) : std::nullopt;
}

bool WriteAll(int fd, const std::string& text) {
  size_t done = 0;
  while (done < text.size()) {
    ssize_t n = write(fd, text.data() + done, text.size() - done);
    if (n < 0 && errno == EINTR) {
      continue;
    }
    if (n <= 0) {
      return false;
    }
    done += static_cast<size_t>(n);
  }
  return true;
}

bool WriteSmallFile(const std::string& path, const std::string& text) {
  int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0) {
    return false;
  }
  bool written = WriteAll(fd, text);
  close(fd);
  return written;
}

bool CopyFile(const std::string& from, const std::string& to, uint64_t bytes) {
  int in = open(from.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
  if (in < 0) {
    return false;
  }
  int out = open(to.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
  bool good = out >= 0;
  char buffer[65536];
  while (good && bytes > 0) {
    ssize_t n = read(in, buffer, std::min<uint64_t>(sizeof(buffer), bytes));
    if (n <= 0) {
      break;
    }
    good = WriteAll(out, std::string(buffer, static_cast<size_t>(n)));
    bytes -= static_cast<uint64_t>(n);
  }
  int saved = errno;
  close(in);
  if (out >= 0 && close(out) != 0) {
    good = false;
  }
  if (!good) {
    errno = saved;
  }
  return good;
}

}  // namespace gordian::cli
