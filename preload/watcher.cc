#include "preload/watcher.h"

#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>

#include "libsync/record/image.h"
#include "libsync/record/raw.h"
#include "libsync/record/text.h"
#include "preload/exit.h"
#include "preload/options.h"
#include "preload/run_folder.h"

using namespace gordian::record;

namespace gordian::preload {
namespace {

// The child of pid 1 that has the watcher for a child; 0: none. Only pid 1 believes it.
constinit int g_keeper = 0;

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
  static const char* const places[] = {"/../bin/gordian", "/../../bin/gordian"};
  for (const char* place : places) {
    path->Clear();
    path->Append(shim, static_cast<size_t>(slash - shim));
    path->Append(place);
    if (RawSyscall(SYS_faccessat, AT_FDCWD, ToRaw(path->text()), 1 /* X_OK */) == 0) {
      return true;
    }
  }
  return false;
}

struct WatchCommand {
  const char* path;
  char* const* argv;
  char* const* envp;
};

// In a fork child of the program, on its memory image: system calls only.
[[noreturn]] void BecomeWatcher(const WatchCommand& command) {
  RawSyscall(SYS_close_range, 3, ~0u, 0);
  RawSyscall(SYS_close, 0);
  RawSyscall(SYS_close, 1);
  const long null = RawSyscall(SYS_openat, AT_FDCWD, ToRaw("/dev/null"), O_RDWR);
  if (null == 0) {
    RawSyscall(SYS_dup2, 0, 1);
    if (RawSyscall(SYS_fcntl, 2, F_GETFD) < 0) {
      RawSyscall(SYS_dup2, 0, 2);
    }
  }
  // The program's mask may block what the watcher needs.
  uint64_t mask = 0;
  RawSyscall(SYS_rt_sigprocmask, SIG_SETMASK, ToRaw(&mask), 0, sizeof(mask));
  RawSyscall(SYS_execve, ToRaw(command.path), ToRaw(command.argv), ToRaw(command.envp));
  RawSyscall(SYS_exit_group, 127);
  __builtin_unreachable();
}

// The watcher's parent for as long as it lives, and nothing else: waits for it and ends.
[[noreturn]] void BecomeKeeper(long watcher) {
  uint64_t all = ~uint64_t{0};
  RawSyscall(SYS_rt_sigprocmask, SIG_SETMASK, ToRaw(&all), 0, sizeof(all));
  RawSyscall(SYS_close_range, 0, ~0u, 0);
  RawSyscall(SYS_wait4, watcher, 0, 0, 0);
  RawSyscall(SYS_exit_group, 0);
  __builtin_unreachable();
}

// A process with exit signal 0: no SIGCHLD tells of its end, and the kernel shows it to no wait call without
// __WALL or __WCLONE, and does not count it as a child that one could wait for. An exec would make it an
// ordinary child, so the watcher itself is a child of its.
long CloneUnseen() { return RawSyscall(SYS_clone, 0 /* exit signal: none */, 0, 0, 0, 0); }

// Returns the watcher's keeper when this process must live with it as a child, else 0.
//
// The watcher is to be nobody's child but init's. An orphan is given to the next ancestor that is a child
// subreaper or pid 1: a subreaper stops being one for the moment, pid 1 cannot.
int Launch(const WatchCommand& command) {
  const bool is_init = RawGetpid() == 1;
  int subreaper = 0;
  RawSyscall(SYS_prctl, PR_GET_CHILD_SUBREAPER, ToRaw(&subreaper));
  if (subreaper != 0) {
    RawSyscall(SYS_prctl, PR_SET_CHILD_SUBREAPER, 0);
  }
  const long child = CloneUnseen();
  if (child == 0) {
    RawSyscall(SYS_setsid);
    const long watcher = RawSyscall(SYS_fork);
    if (watcher == 0) {
      BecomeWatcher(command);
    }
    if (is_init && watcher > 0) {
      BecomeKeeper(watcher);
    }
    RawSyscall(SYS_exit_group, 0);
  }
  if (child > 0 && !is_init) {
    while (RawSyscall(SYS_wait4, child, 0, __WALL, 0) == -EINTR) {
    }
  }
  if (subreaper != 0) {
    RawSyscall(SYS_prctl, PR_SET_CHILD_SUBREAPER, 1);
  }
  return is_init && child > 0 ? static_cast<int>(child) : 0;
}

// What the images of this tree find in their environment.
void TellDescendants(const char* options) {
  TextBuffer value;
  value.Append("run=");
  value.Append(g_config.run_directory);
  value.Append(":drop=");
  value.Append(g_config.drop_directory);
  if (g_keeper != 0) {
    value.Append(":keeper=");
    value.AppendNumber(static_cast<uint64_t>(g_keeper));
  }
  value.Append(":");
  value.Append(options);
  SetOptionsVariable(value.text());
}

// Makes the run's folder and starts `gordian watch` from beside the shim. False: no folder or no command.
bool StartWatcher(const char* options) {
  TextBuffer command_path;
  if (!FindCommand(&command_path) || !MakeRunFolder()) {
    return false;
  }
  MakeDropFolder();
  TextBuffer pid;
  pid.AppendNumber(static_cast<uint64_t>(RawGetpid()));
  TextBuffer started;
  started.AppendNumber(OwnStartTicks());
  static char empty[] = "";
  const char* argv[] = {command_path.text(),
                        "watch",
                        "--pid",
                        pid.text(),
                        "--started",
                        started.text(),
                        "--run",
                        g_config.run_directory,
                        "--options",
                        options[0] == '\0' ? empty : options,
                        nullptr};
  char* const envp[] = {nullptr};
  g_config.watcher_image_pid = RawGetpid();
  g_keeper = Launch(WatchCommand{command_path.text(), const_cast<char* const*>(argv), envp});
  TellDescendants(options);
  return true;
}

bool RecordOnly(const char* options) {
  char out[sizeof(g_config.run_directory)];
  if (!CopyOption(options, "out", out, sizeof(out))) {
    return MakeRunFolder();
  }
  if (!MakeOwnFolder(out)) {
    return false;
  }
  memcpy(g_config.run_directory, out, sizeof(out));
  return true;
}

}  // namespace

bool BeginOrJoinRun(const char* options) {
  if (OptionIs(options, "watch", "0")) {
    if (!RecordOnly(options)) {
      return false;
    }
    TellDescendants(options);
    return true;
  }
  if (options[0] == '\0' && FindRunOfAncestors()) {
    TellDescendants(options);
    return true;
  }
  return StartWatcher(options);
}

void KnowKeeper(const char* options) {
  size_t bytes = 0;
  const char* keeper = FindOption(options, "keeper", &bytes);
  g_keeper = keeper == nullptr ? 0 : static_cast<int>(ParseUnsigned(keeper));
}

void WaitForWatcher() {
  if (g_keeper == 0 || g_no_syscalls || RawGetpid() != 1) {
    return;
  }
  // It ends when the watcher has printed. In another pid namespace there is no such child.
  const timespec pause{0, 10'000'000};
  for (int i = 0; i < 200; ++i) {
    siginfo_t info{};
    if (RawSyscall(SYS_waitid, P_PID, g_keeper, ToRaw(&info), WEXITED | WNOHANG | WNOWAIT | __WCLONE, 0) !=
            0 ||
        info.si_pid != 0) {
      return;
    }
    RawSyscall(SYS_nanosleep, ToRaw(&pause), 0);
  }
}

}  // namespace gordian::preload
