#include "preload/watcher.h"

#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>

#include "libsync/record/image.h"
#include "libsync/record/raw.h"
#include "libsync/record/text.h"
#include "preload/exit.h"
#include "preload/options.h"

using namespace gordian::record;

namespace gordian::preload {
namespace {

// <folder of the shim>/../bin/gordian, or one folder further up (lib/x86_64-linux-gnu). The link map is the
// dynamic linker's own; nothing is locked or allocated.
bool FindCommand(TextBuffer* path) {
  dl_find_object found{};
  if (_dl_find_object(reinterpret_cast<void*>(&FindCommand), &found) != 0) {
    return false;
  }
  const char* shim = found.dlfo_link_map->l_name;
  const char* slash = strrchr(shim, '/');
  if (slash == nullptr) {
    return false;
  }
  static const char* const kPlaces[] = {"/../bin/gordian", "/../../bin/gordian"};
  for (const char* place : kPlaces) {
    path->Clear();
    path->Append(shim, static_cast<size_t>(slash - shim));
    path->Append(place);
    if (RawSyscall(SYS_faccessat, AT_FDCWD, ToRaw(path->text()), 1 /* X_OK */) == 0) {
      return true;
    }
  }
  return false;
}

bool MakeFolder(const TextBuffer& path) {
  const long result = RawSyscall(SYS_mkdirat, AT_FDCWD, ToRaw(path.text()), 0700);
  if (result != 0 && result != -EEXIST) {
    return false;
  }
  struct stat status {};
  return RawSyscall(SYS_newfstatat, AT_FDCWD, ToRaw(path.text()), ToRaw(&status), AT_SYMLINK_NOFOLLOW) == 0 &&
         S_ISDIR(status.st_mode) && status.st_uid == static_cast<uid_t>(RawSyscall(SYS_geteuid));
}

// <base>/gordian-<uid>/run-<pid>-<time>
bool MakeRunFolder() {
  static const char* const kBases[] = {"/dev/shm", "/run/shm", "/tmp"};
  for (const char* base : kBases) {
    TextBuffer path;
    path.Append(base);
    path.Append("/gordian-");
    path.AppendNumber(static_cast<uint64_t>(RawSyscall(SYS_geteuid)));
    if (!MakeFolder(path)) {
      continue;
    }
    path.Append("/run-");
    path.AppendNumber(static_cast<uint64_t>(RawGetpid()));
    path.Append("-");
    path.AppendNumber(NowNs());
    if (MakeFolder(path)) {
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

struct WatchCommand {
  const char* path;
  char* const* argv;
  char* const* envp;
};

// In the intermediate process: becomes the watcher's parent and goes, so that the watcher is nobody's child
// (or that of pid 1). Runs on the program's memory image, as a fork child: system calls only.
[[noreturn]] void BecomeWatcher(const WatchCommand& command) {
  RawSyscall(SYS_setsid);
  if (RawSyscall(SYS_fork) != 0) {
    RawSyscall(SYS_exit_group, 0);
  }
  RawSyscall(SYS_close_range, 3, ~0u, 0);
  RawSyscall(SYS_close, 0);
  RawSyscall(SYS_close, 1);
  const long null = RawSyscall(SYS_openat, AT_FDCWD, ToRaw("/dev/null"), O_RDWR);
  if (null == 0) {
    RawSyscall(SYS_dup2, 0, 1);
  }
  // The program's mask may block what the watcher needs.
  uint64_t mask = 0;
  RawSyscall(SYS_rt_sigprocmask, SIG_SETMASK, ToRaw(&mask), 0, sizeof(mask));
  RawSyscall(SYS_execve, ToRaw(command.path), ToRaw(command.argv), ToRaw(command.envp));
  RawSyscall(SYS_exit_group, 127);
  __builtin_unreachable();
}

void Launch(const WatchCommand& command) {
  // SIGCHLD must not reach the program for a child that it did not make: exit signal 0 asks for none, and
  // __WALL finds such a child all the same.
  const long child = RawSyscall(SYS_clone, 0 /* exit signal: none */, 0, 0, 0, 0);
  if (child == 0) {
    BecomeWatcher(command);
  }
  if (child > 0) {
    int status = 0;
    while (RawSyscall(SYS_wait4, child, ToRaw(&status), __WALL, 0) == -EINTR) {
    }
  }
}

bool IsWatcherOf(pid_t pid) {
  TextBuffer path;
  path.Append("/proc/");
  path.AppendNumber(static_cast<uint64_t>(pid));
  path.Append("/cmdline");
  char command[2048];
  const long bytes = ReadSmallFile(path.text(), command, sizeof(command));
  for (long at = 0; at < bytes; at += static_cast<long>(strlen(command + at)) + 1) {
    if (strcmp(command + at, g_config.run_directory) == 0) {
      return true;
    }
  }
  return false;
}

}  // namespace

bool StartWatcher(const char* options) {
  char out[sizeof(g_config.run_directory)];
  const bool watch = !OptionIs(options, "watch", "0");
  TextBuffer command_path;
  if (!watch && CopyOption(options, "out", out, sizeof(out))) {
    TextBuffer path;
    path.Append(out);
    if (!MakeFolder(path)) {
      return false;
    }
    memcpy(g_config.run_directory, out, sizeof(out));
  } else if (!MakeRunFolder()) {
    return false;
  }
  if (watch) {
    MakeDropFolder();
  }
  TextBuffer value;
  value.Append("run=");
  value.Append(g_config.run_directory);
  value.Append(":drop=");
  value.Append(g_config.drop_directory);
  value.Append(":");
  value.Append(options);
  SetOptionsVariable(value.text());
  if (!watch) {
    return true;
  }
  if (!FindCommand(&command_path)) {
    return false;
  }
  TextBuffer pid;
  pid.AppendNumber(static_cast<uint64_t>(RawGetpid()));
  static char empty[] = "";
  const char* argv[] = {command_path.text(),
                        "watch",
                        "--pid",
                        pid.text(),
                        "--run",
                        g_config.run_directory,
                        "--options",
                        options[0] == '\0' ? empty : options,
                        nullptr};
  char* const envp[] = {nullptr};
  g_config.watcher_image_pid = RawGetpid();
  Launch(WatchCommand{command_path.text(), const_cast<char* const*>(argv), envp});
  return true;
}

bool IsWatcher(pid_t pid) {
  return pid > 1 && g_config.watcher_image_pid == 1 && RawGetpid() == 1 && IsWatcherOf(pid);
}

bool OnlyWatcherIsLeft(pid_t pid) {
  // Only a pid 1 inherits the watcher.
  if (pid > 0 || g_config.watcher_image_pid != 1 || RawGetpid() != 1) {
    return false;
  }
  char children[4096];
  const long bytes = ReadSmallFile("/proc/self/task/1/children", children, sizeof(children));
  if (bytes <= 0) {
    return false;
  }
  int others = 0;
  bool watcher = false;
  for (const char* at = children; *at != '\0';) {
    const auto child = static_cast<pid_t>(ParseUnsigned(at));
    if (IsWatcherOf(child)) {
      watcher = true;
    } else {
      ++others;
    }
    at += strcspn(at, " ");
    at += *at == ' ';
  }
  return watcher && others == 0;
}

void WaitForWatcher() {
  if (g_config.watcher_image_pid != 1 || g_no_syscalls || RawGetpid() != 1) {
    return;
  }
  // The watcher removes the run's folder when it has printed.
  const timespec pause{0, 10'000'000};
  for (int i = 0; i < 200; ++i) {
    if (RawSyscall(SYS_faccessat, AT_FDCWD, ToRaw(g_config.run_directory), 0) != 0) {
      return;
    }
    RawSyscall(SYS_nanosleep, ToRaw(&pause), 0);
  }
}

}  // namespace gordian::preload
