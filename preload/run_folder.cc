#include "preload/run_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>

#include "libsync/record/image.h"
#include "libsync/record/raw.h"
#include "libsync/record/text.h"

using namespace gordian::record;

namespace gordian::preload {
namespace {

constexpr const char* kBases[] = {"/dev/shm", "/run/shm", "/tmp"};
constexpr char kRunPrefix[] = "run-";
constexpr size_t kRunPrefixBytes = sizeof(kRunPrefix) - 1;

bool IsOwnFolder(const char* path) {
  struct stat status {};
  return RawSyscall(SYS_newfstatat, AT_FDCWD, ToRaw(path), ToRaw(&status), AT_SYMLINK_NOFOLLOW) == 0 &&
         S_ISDIR(status.st_mode) && status.st_uid == static_cast<uid_t>(RawSyscall(SYS_geteuid));
}

// <base>/gordian-<uid>
void FolderOfUser(const char* base, TextBuffer* path) {
  path->Append(base);
  path->Append("/gordian-");
  path->AppendNumber(static_cast<uint64_t>(RawSyscall(SYS_geteuid)));
}

// A pid comes back; with the time at which its process began it does not.
struct Ancestor {
  int pid;
  uint64_t start_ticks;
};

// This process and those above it.
struct Ancestors {
  uint64_t pid_namespace;
  int count;
  Ancestor at[32];
};

// Fields 4 and 22 of /proc/PID/stat. The name in field 2 may hold spaces and parentheses: count from the last
// ')'. False: no such process.
bool ReadStat(int pid, int* parent, uint64_t* start_ticks) {
  TextBuffer path;
  path.Append("/proc/");
  path.AppendNumber(static_cast<uint64_t>(pid));
  path.Append("/stat");
  char text[1024];
  if (ReadSmallFile(path.text(), text, sizeof(text)) <= 0) {
    return false;
  }
  const char* at = strrchr(text, ')');
  for (int field = 2; at != nullptr && *at != '\0' && field < 22; ++at) {
    if (*at != ' ') {
      continue;
    }
    ++field;
    if (field == 4) {
      *parent = static_cast<int>(ParseUnsigned(at + 1));
    }
    if (field == 22) {
      *start_ticks = ParseUnsigned(at + 1);
      return true;
    }
  }
  return false;
}

// 0 where /proc does not tell.
uint64_t PidNamespace() {
  struct stat status {};
  return RawSyscall(SYS_newfstatat, AT_FDCWD, ToRaw("/proc/self/ns/pid"), ToRaw(&status), 0) == 0
             ? status.st_ino
             : 0;
}

void ListAncestors(Ancestors* ancestors) {
  ancestors->pid_namespace = PidNamespace();
  ancestors->count = 0;
  int pid = RawGetpid();
  while (pid > 0 && ancestors->count < 32) {
    Ancestor& ancestor = ancestors->at[ancestors->count];
    ancestor.pid = pid;
    if (!ReadStat(pid, &pid, &ancestor.start_ticks)) {
      return;
    }
    ++ancestors->count;
  }
}

// CLOCK_MONOTONIC at a time given in ticks since boot, which count while the machine sleeps.
uint64_t MonotonicNs(uint64_t ticks) {
  constexpr uint64_t ns_per_tick = 10'000'000;  // 100 Hz, whatever the kernel's own clock
  timespec boot{};
  g_clock_gettime(CLOCK_BOOTTIME, &boot);
  const uint64_t boot_ns =
      static_cast<uint64_t>(boot.tv_sec) * 1'000'000'000u + static_cast<uint64_t>(boot.tv_nsec);
  return ticks * ns_per_tick - (boot_ns - NowNs());
}

// "run-<pid>-<time>-<pid namespace>" of one of them. The time is when `gordian run` was started, in ticks, or
// when the shim made the folder, in nanoseconds. Every namespace has a pid 1, and many share one /dev/shm.
bool IsRunOf(const Ancestors& ancestors, const char* name) {
  if (strncmp(name, kRunPrefix, kRunPrefixBytes) != 0) {
    return false;
  }
  const uint64_t pid = ParseUnsigned(name + kRunPrefixBytes);
  const char* dash = strchr(name + kRunPrefixBytes, '-');
  const uint64_t time = dash == nullptr ? 0 : ParseUnsigned(dash + 1);
  dash = dash == nullptr ? nullptr : strchr(dash + 1, '-');
  if (dash == nullptr || ParseUnsigned(dash + 1) != ancestors.pid_namespace) {
    return false;
  }
  for (int i = 0; i < ancestors.count; ++i) {
    const Ancestor& ancestor = ancestors.at[i];
    if (static_cast<uint64_t>(ancestor.pid) == pid &&
        (time == ancestor.start_ticks || time >= MonotonicNs(ancestor.start_ticks))) {
      return true;
    }
  }
  return false;
}

struct DirectoryEntry {  // as getdents64 gives it
  uint64_t inode;
  int64_t offset;
  uint16_t bytes;
  uint8_t type;
  char name[1];
};

// Looks in the folder `path` for such a run, and appends its name.
bool FindRunIn(const Ancestors& ancestors, TextBuffer* path) {
  const long fd =
      RawSyscall(SYS_openat, AT_FDCWD, ToRaw(path->text()), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) {
    return false;
  }
  alignas(8) char entries[4096];
  bool found = false;
  long bytes = 0;
  while (!found && (bytes = RawSyscall(SYS_getdents64, fd, ToRaw(entries), sizeof(entries))) > 0) {
    for (long at = 0; !found && at < bytes;) {
      const auto* entry = reinterpret_cast<const DirectoryEntry*>(entries + at);
      at += entry->bytes;
      if (IsRunOf(ancestors, entry->name)) {
        path->Append("/");
        path->Append(entry->name);
        found = true;
      }
    }
  }
  RawSyscall(SYS_close, fd);
  return found;
}

void ReadDropNote() {
  TextBuffer note;
  note.Append(g_config.run_directory);
  note.Append("/drop");
  if (ReadSmallFile(note.text(), g_config.drop_directory, sizeof(g_config.drop_directory)) <= 0) {
    g_config.drop_directory[0] = '\0';
  }
}

}  // namespace

uint64_t OwnStartTicks() {
  int parent = 0;
  uint64_t ticks = 0;
  return ReadStat(RawGetpid(), &parent, &ticks) ? ticks : 0;
}

bool MakeOwnFolder(const char* path) {
  const long result = RawSyscall(SYS_mkdirat, AT_FDCWD, ToRaw(path), 0700);
  return (result == 0 || result == -EEXIST) && IsOwnFolder(path);
}

// <base>/gordian-<uid>/run-<pid>-<time>-<pid namespace>
bool MakeRunFolder() {
  for (const char* base : kBases) {
    TextBuffer path;
    FolderOfUser(base, &path);
    if (!MakeOwnFolder(path.text())) {
      continue;
    }
    path.Append("/");
    path.Append(kRunPrefix);
    path.AppendNumber(static_cast<uint64_t>(RawGetpid()));
    path.Append("-");
    path.AppendNumber(NowNs());
    path.Append("-");
    path.AppendNumber(PidNamespace());
    if (MakeOwnFolder(path.text())) {
      memcpy(g_config.run_directory, path.text(), path.size() + 1);
      return true;
    }
  }
  return false;
}

// Images that changed their user cannot enter the run's folder. They find this one by its unguessable name,
// may put files into it and not list it. A note in the run's folder tells the watcher.
void MakeDropFolder() {
  uint64_t random[2] = {};
  if (strncmp(g_config.run_directory, "/dev/shm/", 9) != 0 ||
      RawSyscall(SYS_getrandom, ToRaw(random), sizeof(random), 0) != sizeof(random)) {
    return;
  }
  TextBuffer path;
  path.Append("/dev/shm/gordian-drop-");
  path.AppendHex(random[0]);
  path.AppendHex(random[1]);
  TextBuffer note;
  note.Append(g_config.run_directory);
  note.Append("/drop");
  const long fd =
      RawSyscall(SYS_openat, AT_FDCWD, ToRaw(note.text()), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) {
    return;
  }
  if (RawSyscall(SYS_write, fd, ToRaw(path.text()), static_cast<long>(path.size())) ==
          static_cast<long>(path.size()) &&
      RawSyscall(SYS_mkdirat, AT_FDCWD, ToRaw(path.text()), 0700) == 0 &&
      RawSyscall(SYS_fchmodat, AT_FDCWD, ToRaw(path.text()), 01733) == 0) {
    memcpy(g_config.drop_directory, path.text(), path.size() + 1);
  }
  RawSyscall(SYS_close, fd);
}

bool FindRunOfAncestors() {
  Ancestors ancestors;
  ListAncestors(&ancestors);
  for (const char* base : kBases) {
    TextBuffer path;
    FolderOfUser(base, &path);
    if (IsOwnFolder(path.text()) && FindRunIn(ancestors, &path) &&
        path.size() < sizeof(g_config.run_directory)) {
      memcpy(g_config.run_directory, path.text(), path.size() + 1);
      ReadDropNote();
      return true;
    }
  }
  return false;
}

}  // namespace gordian::preload
