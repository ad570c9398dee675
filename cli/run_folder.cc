#include "cli/run_folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "cli/file_util.h"
#include "cli/message.h"
#include "cli/watch/process_id.h"

namespace gordian::cli {
namespace {

constexpr char kDropPrefix[] = "/dev/shm/gordian-drop-";
constexpr char kDropNote[] = "drop";  // in the run folder: where its drop folder is
constexpr uint64_t kLeastRoom = uint64_t{1} << 20;
constexpr time_t kYoungSeconds = 10;

struct Place {
  std::string folder;
  bool disk;
};

bool IsTmpfs(const std::string& folder) {
  struct statfs info {};
  return statfs(folder.c_str(), &info) == 0 && info.f_type == TMPFS_MAGIC;
}

bool HasRoom(const std::string& folder) {
  struct statfs info {};
  if (statfs(folder.c_str(), &info) != 0) {
    return false;
  }
  // A tmpfs without a size limit says 0 blocks of 0.
  if (info.f_blocks == 0) {
    return true;
  }
  return uint64_t{info.f_bavail} * static_cast<uint64_t>(info.f_bsize) >= kLeastRoom;
}

// Where a run folder may be, best first: every tmpfs before every disk.
std::vector<Place> Places() {
  std::vector<std::string> folders = {"/dev/shm"};
  if (const char* runtime = getenv("XDG_RUNTIME_DIR"); runtime != nullptr && runtime[0] == '/') {
    folders.emplace_back(runtime);
  }
  folders.push_back(absl::StrCat("/run/user/", getuid()));
  if (geteuid() == 0) {
    folders.emplace_back("/run");
  }
  if (const char* temporary = getenv("TMPDIR"); temporary != nullptr && temporary[0] == '/') {
    folders.emplace_back(temporary);
  }
  folders.emplace_back("/tmp");
  folders.emplace_back("/var/tmp");
  std::vector<Place> places;
  for (const std::string& folder : folders) {
    if (IsTmpfs(folder)) {
      places.push_back({folder, false});
    }
  }
  for (const std::string& folder : folders) {
    if (!IsTmpfs(folder)) {
      places.push_back({folder, true});
    }
  }
  return places;
}

// Opens a folder that is really one, and ours: others may not have put a link or their own there.
int OpenOwnFolder(const std::string& path) {
  int fd = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) {
    return -1;
  }
  struct stat info {};
  if (fstat(fd, &info) != 0 || info.st_uid != geteuid() || (info.st_mode & 0077) != 0) {
    close(fd);
    errno = EPERM;
    return -1;
  }
  return fd;
}

bool EnsureOwnFolder(const std::string& path) {
  if (mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
    return false;
  }
  int fd = OpenOwnFolder(path);
  if (fd < 0) {
    return false;
  }
  close(fd);
  return true;
}

std::string RandomName() {
  unsigned char bytes[16];
  size_t got = 0;
  while (got < sizeof(bytes)) {
    ssize_t n = getrandom(bytes + got, sizeof(bytes) - got, 0);
    if (n < 0) {
      return "";
    }
    got += static_cast<size_t>(n);
  }
  std::string name;
  for (unsigned char byte : bytes) {
    absl::StrAppend(&name, absl::Hex(byte, absl::kZeroPad2));
  }
  return name;
}

bool IsDropFolder(const std::string& path) {
  return absl::StartsWith(path, kDropPrefix) && path.find('/', sizeof(kDropPrefix) - 1) == std::string::npos;
}

// Removes a folder of ours with the files in it, and one of trials with what they kept. No link is followed.
void RemoveFolder(const std::string& path) {
  int fd = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) {
    return;
  }
  struct stat info {};
  if (fstat(fd, &info) == 0 && info.st_uid == geteuid()) {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
  close(fd);
}

// The first pid namespace of the machine, which sees the processes of all others (the kernel's
// PROC_PID_INIT_INO).
constexpr uint64_t kFirstPidNamespace = 0xEFFFFFFC;

bool HasProcesses(uint64_t pid_namespace) {
  const std::vector<std::string> names = ListNames("/proc");
  return std::any_of(names.begin(), names.end(), [&](const std::string& name) {
    const int pid = std::atoi(name.c_str());
    return pid > 0 && PidNamespace(pid) == pid_namespace;
  });
}

// "run-<pid>-<time>-<pid namespace>": whether the process that made the folder still runs, as far as this one
// can know. The time is when gordian was started, in ticks, or when the shim made the folder, in nanoseconds.
bool MakerLives(const std::string& name) {
  int pid = 0;
  unsigned long long time = 0;
  unsigned long long pid_namespace = 0;
  if (std::sscanf(name.c_str(), "run-%d-%llu-%llu", &pid, &time, &pid_namespace) != 3) {
    return true;  // not a name of ours
  }
  if (const uint64_t own = PidNamespace(getpid()); own != pid_namespace) {
    return own != kFirstPidNamespace || HasProcesses(pid_namespace);
  }
  auto stat = inspect::ReadStat(pid);
  if (!stat.has_value() || IsDead(*stat)) {
    return false;
  }
  return stat->start_ticks == time || inspect::MonotonicNs(stat->start_ticks) <= time;
}

// A watcher may outlive the process after which its folder is named: it holds the folder's lock. A folder
// that is being set up has neither, but is young.
void RemoveStaleRuns(const std::string& base) {
  for (const std::string& name : ListNames(base)) {
    if (!absl::StartsWith(name, "run-") || MakerLives(name)) {
      continue;
    }
    std::string path = absl::StrCat(base, "/", name);
    int fd = OpenOwnFolder(path);
    if (fd < 0) {
      continue;
    }
    struct stat info {};
    bool old = fstat(fd, &info) == 0 && time(nullptr) - info.st_mtime > kYoungSeconds;
    if (old && flock(fd, LOCK_EX | LOCK_NB) == 0) {
      std::string drop = ReadSmallFile(absl::StrCat(path, "/", kDropNote));
      if (IsDropFolder(drop)) {
        RemoveFolder(drop);
      }
      RemoveFolder(path);
    }
    close(fd);
  }
}

}  // namespace

std::optional<RunFolder> RunFolder::Create(Use use, std::string* why) {
  std::string refused;
  for (const Place& place : Places()) {
    std::string problem = "no room is left";
    if (HasRoom(place.folder)) {
      std::optional<RunFolder> folder =
          CreateBelow(absl::StrCat(place.folder, "/gordian-", geteuid()), use, &problem);
      if (folder.has_value()) {
        if (place.disk) {
          folder->remark_ = absl::StrCat("the trace lies on a disk (", place.folder, "): slower; ", refused);
        }
        return folder;
      }
    }
    absl::StrAppend(&refused, refused.empty() ? "" : ", ", place.folder, ": ", problem);
  }
  *why = absl::StrCat("no folder for the traces can be made (", refused, ")");
  return std::nullopt;
}

std::optional<RunFolder> RunFolder::CreateBelow(const std::string& base, Use use, std::string* why) {
  if (!EnsureOwnFolder(base)) {
    *why = ErrnoText(base);
    return std::nullopt;
  }
  RemoveStaleRuns(base);
  RunFolder folder;
  std::string path =
      absl::StrCat(base, "/run-", getpid(), "-", StartTicks(getpid()), "-", PidNamespace(getpid()));
  if (mkdir(path.c_str(), 0700) != 0) {
    *why = ErrnoText(path);
    return std::nullopt;
  }
  folder.path_ = path;
  folder.Lock();
  if (use == Use::kTraces) {
    folder.MakeDropFolder();
  }
  return folder;
}

RunFolder RunFolder::Adopt(const std::string& path) {
  RunFolder folder;
  folder.path_ = path;
  if (std::string drop = ReadSmallFile(absl::StrCat(path, "/", kDropNote)); IsDropFolder(drop)) {
    folder.drop_ = drop;
  }
  folder.Lock();
  return folder;
}

RunFolder::RunFolder(RunFolder&& other) noexcept
    : path_(std::exchange(other.path_, "")),
      drop_(std::exchange(other.drop_, "")),
      remark_(std::move(other.remark_)),
      lock_fd_(std::exchange(other.lock_fd_, -1)) {}

RunFolder::~RunFolder() {
  if (!drop_.empty()) {
    RemoveFolder(drop_);
  }
  if (!path_.empty()) {
    RemoveFolder(path_);
  }
  if (lock_fd_ >= 0) {
    close(lock_fd_);
  }
}

// Writable for everybody, listable for us alone; its name is the key.
void RunFolder::MakeDropFolder() {
  std::string name = RandomName();
  std::string path = absl::StrCat(kDropPrefix, name);
  if (name.empty() || !IsTmpfs("/dev/shm") || mkdir(path.c_str(), 0700) != 0) {
    return;
  }
  if (chmod(path.c_str(), 01733) != 0 || !WriteSmallFile(absl::StrCat(path_, "/", kDropNote), path)) {
    rmdir(path.c_str());
    return;
  }
  drop_ = path;
}

void RunFolder::Lock() {
  lock_fd_ = open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (lock_fd_ >= 0) {
    flock(lock_fd_, LOCK_SH | LOCK_NB);
  }
}

}  // namespace gordian::cli
