#include "cli/watch/process_id.h"

#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdlib>
#include <ctime>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/file_util.h"

namespace gordian::cli {
namespace {

uint64_t ReadClock(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

}  // namespace

bool IsDead(const ProcStat& stat) { return (stat.state == 'Z' && stat.threads <= 1) || stat.state == 'X'; }

bool IsStopped(const ProcStat& stat) { return stat.state == 'T' || stat.state == 't'; }

uint64_t StartTicks(pid_t pid) {
  auto stat = inspect::ReadStat(pid);
  return stat.has_value() ? stat->start_ticks : 0;
}

bool IsAlive(const ProcessId& id) {
  auto stat = inspect::ReadStat(id.first);
  return stat.has_value() && stat->start_ticks == id.second && !IsDead(*stat);
}

bool SignalProcess(const ProcessId& id, int signal) {
  int fd = static_cast<int>(syscall(SYS_pidfd_open, id.first, 0));
  if (fd < 0) {
    return false;
  }
  // The descriptor is bound to a process; only now is it certain which one.
  bool sent =
      StartTicks(id.first) == id.second && syscall(SYS_pidfd_send_signal, fd, signal, nullptr, 0) == 0;
  close(fd);
  return sent;
}

std::string CommandLine(const ProcStat& stat) {
  auto arguments = inspect::ReadCommandLine(stat.pid);
  if (!arguments.has_value() || arguments->empty()) {
    return absl::StrCat("[", stat.comm, "]");
  }
  // A program that writes a title over its arguments fills what is left of them with NULs or blanks.
  return std::string(absl::StripTrailingAsciiWhitespace(absl::StrJoin(*arguments, " ")));
}

uint64_t PidNamespace(pid_t pid) {
  struct stat info {};
  return stat(absl::StrCat("/proc/", pid, "/ns/pid").c_str(), &info) == 0 ? info.st_ino : 0;
}

pid_t InnerPid(pid_t pid) { return InnerTid(pid, pid); }

pid_t InnerTid(pid_t pid, pid_t tid) {
  std::string status = ReadSmallFile(absl::StrCat("/proc/", pid, "/task/", tid, "/status"));
  size_t line = status.find("\nNSpid:");
  if (line == std::string::npos) {
    return 0;
  }
  std::string pids = status.substr(line + 7, status.find('\n', line + 1) - line - 7);
  size_t last = pids.find_last_of(" \t");
  return std::atoi(pids.c_str() + (last == std::string::npos ? 0 : last));
}

uint64_t NowNs() { return ReadClock(CLOCK_MONOTONIC); }

uint64_t SpentNs() { return ReadClock(CLOCK_THREAD_CPUTIME_ID); }

}  // namespace gordian::cli
