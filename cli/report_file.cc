#include "cli/report_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "absl/strings/str_cat.h"
#include "cli/file_util.h"
#include "cli/message.h"

namespace gordian::cli {
namespace {

constexpr size_t kMostAppendedTo = size_t{1} << 28;

std::string BehindLinks(const std::string& path) {
  char* real = realpath(path.c_str(), nullptr);
  std::string target = real == nullptr ? path : real;
  free(real);
  return target;
}

std::string Beside(const std::string& target) {
  const size_t slash = target.rfind('/');
  return absl::StrCat(slash == std::string::npos ? "" : target.substr(0, slash + 1), ".gordian-", getpid());
}

int OpenNew(const std::string& path) {
  return open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);
}

bool CanWriteBeside(const std::string& target) {
  const std::string beside = Beside(target);
  const int fd = OpenNew(beside);
  if (fd < 0) {
    return false;
  }
  close(fd);
  return unlink(beside.c_str()) == 0;
}

// A name of what is open already (/dev/stdout, /dev/fd/3): others write there too.
bool NamesOpenFile(const std::string& path, const struct stat& status) {
  bool is_standard = false;
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    struct stat own {};
    is_standard =
        is_standard || (fstat(fd, &own) == 0 && own.st_dev == status.st_dev && own.st_ino == status.st_ino);
  }
  return is_standard || path.starts_with("/dev/") || path.starts_with("/proc/");
}

// A full disk may only show at the close.
bool WriteAndClose(int fd, const std::string& text) {
  const bool written = WriteAll(fd, text);
  const int error = errno;
  const bool closed = close(fd) == 0;
  if (!written) {
    errno = error;
  }
  return written && closed;
}

}  // namespace

std::optional<ReportFile> ReportFile::Open(const std::string& path, Mode mode, std::string* why) {
  ReportFile file;
  file.path_ = path;
  file.mode_ = mode;
  if (path == "-") {
    file.fd_ = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    file.is_alone_ = false;
  } else {
    file.target_ = BehindLinks(path);
    struct stat status {};
    const bool exists = stat(file.target_.c_str(), &status) == 0;
    const bool shared = exists && NamesOpenFile(path, status);
    file.is_alone_ = !shared;
    const bool regular = !shared && (!exists || S_ISREG(status.st_mode));
    const bool writable = !exists || access(file.target_.c_str(), W_OK) == 0;
    if (regular && writable && CanWriteBeside(file.target_) &&
        (!exists || mode == Mode::kAppend || unlink(file.target_.c_str()) == 0)) {
      return file;
    }
    // A file that is mounted alone, or stands in somebody else's folder, too.
    const int how = mode == Mode::kAppend || shared ? O_APPEND : O_TRUNC;
    file.fd_ = open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY | how, 0666);
  }
  if (file.fd_ < 0) {
    *why = ErrnoText(absl::StrCat("cannot write ", path));
    return std::nullopt;
  }
  return file;
}

ReportFile::ReportFile(ReportFile&& other) noexcept
    : path_(std::move(other.path_)),
      target_(std::move(other.target_)),
      mode_(other.mode_),
      fd_(std::exchange(other.fd_, -1)),
      is_alone_(other.is_alone_) {}

ReportFile::~ReportFile() {
  if (fd_ >= 0) {
    close(fd_);
  }
}

bool ReportFile::Write(const std::string& text) { return fd_ >= 0 ? WriteThrough(text) : WriteBeside(text); }

bool ReportFile::WriteThrough(const std::string& text) {
  struct stat status {};
  const bool is_own = is_alone_ && fstat(fd_, &status) == 0 && S_ISREG(status.st_mode);
  const int fd = std::exchange(fd_, -1);
  const int again = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
  const bool written = WriteAndClose(fd, text);
  const int error = errno;
  if (!written && is_own && again >= 0) {
    [[maybe_unused]] const int cut = ftruncate(again, status.st_size);
  }
  if (again >= 0) {
    close(again);
  }
  errno = error;
  return written;
}

bool ReportFile::WriteBeside(const std::string& text) const {
  std::string whole;
  struct stat status {};
  if (mode_ == Mode::kAppend && stat(target_.c_str(), &status) == 0) {
    std::string why;
    std::optional<std::string> old = ReadFile(target_, kMostAppendedTo, &why);
    if (!old.has_value()) {
      return false;
    }
    whole = std::move(*old);
    whole += whole.empty() || whole.back() == '\n' ? "" : "\n";
  }
  whole += text;
  const std::string beside = Beside(target_);
  const int fd = OpenNew(beside);
  if (fd < 0) {
    return false;
  }
  if (!WriteAndClose(fd, whole) || std::rename(beside.c_str(), target_.c_str()) != 0) {
    const int error = errno;
    unlink(beside.c_str());
    errno = error;
    return false;
  }
  return true;
}

}  // namespace gordian::cli
