#include "libsync/inspect/proc.h"

#include <dirent.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "libsync/inspect/words.h"

namespace gordian::inspect {
namespace {

std::string ProcPath(pid_t pid, std::string_view name) {
  return "/proc/" + std::to_string(pid) + "/" + std::string(name);
}

std::string TaskPath(pid_t pid, pid_t tid, std::string_view name) {
  return ProcPath(pid, "task/") + std::to_string(tid) + "/" + std::string(name);
}

// The entries of a folder of /proc whose names are numbers.
std::vector<pid_t> NumbersIn(const std::string& path) {
  std::vector<pid_t> numbers;
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(opendir(path.c_str()), closedir);
  if (folder == nullptr) {
    return numbers;
  }
  while (const dirent* entry = readdir(folder.get())) {
    pid_t number = 0;
    if (Words(entry->d_name).Take(&number)) {
      numbers.push_back(number);
    }
  }
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

int64_t Nanoseconds(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

}  // namespace

// The fields behind the name are numbers and a letter: the last parenthesis is the one that closes it.
std::optional<ProcStat> ParseStat(std::string_view text) {
  const size_t open = text.find('(');
  const size_t close = text.rfind(')');
  if (open == std::string_view::npos || close == std::string_view::npos || close < open) {
    return std::nullopt;
  }
  ProcStat stat;
  if (!Words(text.substr(0, open)).Take(&stat.pid)) {
    return std::nullopt;
  }
  stat.comm = text.substr(open + 1, close - open - 1);
  Words words(text.substr(close + 1));
  const std::string_view state = words.Next();
  stat.state = state.empty() ? '?' : state[0];
  words.Take(&stat.ppid);
  words.Take(&stat.pgrp);
  words.Take(&stat.session);
  words.Skip(7);  // tty_nr tpgid flags minflt cminflt majflt cmajflt
  uint64_t user = 0;
  uint64_t system = 0;
  words.Take(&user);
  words.Take(&system);
  stat.cpu_ticks = user + system;
  words.Skip(4);  // cutime cstime priority nice
  words.Take(&stat.threads);
  words.Skip(1);  // itrealvalue
  if (!words.Take(&stat.start_ticks)) {
    return std::nullopt;
  }
  words.Skip(29);  // vsize to env_end
  int status = 0;
  // Zero stands there, too, where the kernel does not tell us.
  if (stat.IsZombie() && words.Take(&status) && status != 0) {
    stat.status = status;
  }
  return stat;
}

bool HasProc() { return access("/proc/self/stat", R_OK) == 0; }

std::optional<ProcStat> ReadStat(pid_t pid) {
  const std::optional<std::string> text = ReadText(ProcPath(pid, "stat"));
  return text ? ParseStat(*text) : std::nullopt;
}

std::optional<ProcStat> ReadTaskStat(pid_t pid, pid_t tid) {
  const std::optional<std::string> text = ReadText(TaskPath(pid, tid, "stat"));
  return text ? ParseStat(*text) : std::nullopt;
}

std::vector<pid_t> ListTasks(pid_t pid) { return NumbersIn(ProcPath(pid, "task")); }

std::vector<pid_t> ListPids() { return NumbersIn("/proc"); }

std::vector<ProcStat> ListProcesses() {
  std::vector<ProcStat> processes;
  for (const pid_t pid : ListPids()) {
    if (std::optional<ProcStat> stat = ReadStat(pid)) {
      processes.push_back(std::move(*stat));
    }
  }
  return processes;
}

std::vector<ProcStat> Children(const std::unordered_set<pid_t>& parents) {
  std::vector<ProcStat> children = ListProcesses();
  std::erase_if(children, [&parents](const ProcStat& stat) { return !parents.contains(stat.ppid); });
  return children;
}

std::optional<TaskWait> ParseTaskWait(std::string_view text) {
  TaskWait wait;
  wait.readable = true;
  if (text.starts_with("running")) {
    wait.running = true;
    return wait;
  }
  Words words(text);
  words.Take(&wait.syscall);
  if (wait.syscall >= 0) {
    for (uint64_t& arg : wait.args) {
      words.Take(&arg, 16);
    }
  }
  words.Take(&wait.sp, 16);
  return words.Take(&wait.pc, 16) ? std::optional(wait) : std::nullopt;
}

std::optional<TaskWait> ReadTaskWait(pid_t pid, pid_t tid) {
  if (const std::optional<std::string> text = ReadText(TaskPath(pid, tid, "syscall"))) {
    return ParseTaskWait(*text);
  }
  // A thread that is there and cannot be looked into is not the same as one that is gone.
  const bool gone = errno == ESRCH || !ReadTaskStat(pid, tid);
  return gone ? std::nullopt : std::optional(TaskWait{});
}

std::optional<uint64_t> ReadContextSwitches(pid_t pid, pid_t tid) {
  const std::optional<std::string> status = ReadText(TaskPath(pid, tid, "status"));
  if (!status) {
    return std::nullopt;
  }
  uint64_t voluntary = 0;
  uint64_t forced = 0;
  const bool good = Words(StatusField(*status, "voluntary_ctxt_switches")).Take(&voluntary) &&
                    Words(StatusField(*status, "nonvoluntary_ctxt_switches")).Take(&forced);
  return good ? std::optional(voluntary + forced) : std::nullopt;
}

// The name stands in the first line, where the kernel escapes what would end it.
std::optional<TaskStatus> ParseTaskStatus(std::string_view text) {
  constexpr std::string_view name = "Name:\t";
  TaskStatus status;
  if (!text.starts_with(name)) {
    return std::nullopt;
  }
  status.name = text.substr(name.size(), text.find('\n') - name.size());
  const std::string_view state = StatusField(text, "State");
  status.state = state.empty() ? '?' : state[0];
  const std::string_view tids = StatusField(text, "NSpid");
  const size_t last = tids.find_last_of(" \t");
  uint64_t voluntary = 0;
  uint64_t forced = 0;
  uint64_t own = 0;
  uint64_t shared = 0;
  const bool good =
      Words(tids.substr(last == std::string_view::npos ? 0 : last + 1)).Take(&status.inner_tid) &&
      Words(StatusField(text, "TracerPid")).Take(&status.tracer) &&
      Words(StatusField(text, "SigPnd")).Take(&own, 16) &&
      Words(StatusField(text, "ShdPnd")).Take(&shared, 16) &&
      Words(StatusField(text, "SigBlk")).Take(&status.blocked, 16) &&
      Words(StatusField(text, "voluntary_ctxt_switches")).Take(&voluntary) &&
      Words(StatusField(text, "nonvoluntary_ctxt_switches")).Take(&forced);
  status.switches = voluntary + forced;
  status.pending = own | shared;
  return good ? std::optional(std::move(status)) : std::nullopt;
}

std::optional<TaskStatus> ReadTaskStatus(pid_t pid, pid_t tid) {
  const std::optional<std::string> text = ReadText(TaskPath(pid, tid, "status"));
  return text ? ParseTaskStatus(*text) : std::nullopt;
}

bool IsProcessOne(pid_t pid) {
  const std::string status = ReadProcFile(pid, "status").value_or("");
  return StatusField(status, "NSpid").ends_with("\t1") || pid == 1;
}

std::optional<SignalMasks> ReadSignalMasks(pid_t pid) {
  const std::optional<std::string> status = ReadText(ProcPath(pid, "status"));
  if (!status) {
    return std::nullopt;
  }
  SignalMasks masks;
  const bool good = Words(StatusField(*status, "SigIgn")).Take(&masks.ignored, 16) &&
                    Words(StatusField(*status, "SigCgt")).Take(&masks.caught, 16);
  return good ? std::optional(masks) : std::nullopt;
}

std::optional<std::vector<std::string>> ReadCommandLine(pid_t pid) {
  const std::optional<std::string> text = ReadText(ProcPath(pid, "cmdline"));
  if (!text) {
    return std::nullopt;
  }
  std::vector<std::string> command;
  for (size_t at = 0; at < text->size();) {
    const size_t end = std::min(text->find('\0', at), text->size());
    command.push_back(text->substr(at, end - at));
    at = end + 1;
  }
  return command;
}

std::optional<std::string> ReadExecutable(pid_t pid) {
  std::string path(4096, '\0');
  const ssize_t length = readlink(ProcPath(pid, "exe").c_str(), path.data(), path.size());
  if (length <= 0) {
    return std::nullopt;
  }
  path.resize(static_cast<size_t>(length));
  return path;
}

bool SharesNamespace(pid_t pid, std::string_view kind) {
  const std::string name = "ns/" + std::string(kind);
  struct stat ours {};
  struct stat theirs {};
  return stat(ProcPath(getpid(), name).c_str(), &ours) == 0 &&
         stat(ProcPath(pid, name).c_str(), &theirs) == 0 && ours.st_ino == theirs.st_ino;
}

std::string BootId() {
  const std::optional<std::string> text = ReadText("/proc/sys/kernel/random/boot_id");
  return text ? text->substr(0, text->find('\n')) : "";
}

int64_t TicksPerSecond() {
  const long ticks = sysconf(_SC_CLK_TCK);
  return ticks > 0 ? ticks : 100;
}

uint64_t MonotonicNs(uint64_t start_ticks) {
  const auto ticks_per_second = static_cast<uint64_t>(TicksPerSecond());
  const uint64_t since_boot = start_ticks / ticks_per_second * 1'000'000'000 +
                              start_ticks % ticks_per_second * 1'000'000'000 / ticks_per_second;
  const int64_t suspended = Nanoseconds(CLOCK_BOOTTIME) - Nanoseconds(CLOCK_MONOTONIC);
  const auto ahead = static_cast<uint64_t>(std::max<int64_t>(suspended, 0));
  return since_boot > ahead ? since_boot - ahead : 0;
}

}  // namespace gordian::inspect
