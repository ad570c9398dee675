#include "libsync/inspect/words.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace gordian::inspect {
namespace {

// Ten thousand threads have some two megabytes of maps; nothing honest has more than this.
constexpr size_t kMaxFileBytes = size_t{64} << 20;

}  // namespace

std::optional<std::string> ReadText(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    return std::nullopt;
  }
  std::string text;
  ssize_t got = 0;
  do {
    char buffer[4096];
    got = read(fd, buffer, sizeof(buffer));
    if (got > 0) {
      text.append(buffer, static_cast<size_t>(got));
    }
  } while ((got > 0 && text.size() < kMaxFileBytes) || (got < 0 && errno == EINTR));
  const int error = errno;
  close(fd);
  errno = error;
  return got < 0 ? std::nullopt : std::optional(std::move(text));
}

std::optional<std::string> ReadProcFile(pid_t pid, std::string_view name) {
  return ReadText("/proc/" + std::to_string(pid) + "/" + std::string(name));
}

std::string_view StatusField(std::string_view status, std::string_view name) {
  const std::string start = "\n" + std::string(name) + ":";
  const size_t at = status.find(start);
  if (at == std::string_view::npos) {
    return {};
  }
  std::string_view value = status.substr(at + start.size());
  value = value.substr(0, value.find('\n'));
  value.remove_prefix(std::min(value.find_first_not_of(" \t"), value.size()));
  return value;
}

}  // namespace gordian::inspect
