#include "libsync/inspect/proc.h"

#include <dirent.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <memory>
#include <system_error>

namespace gordian::inspect {
namespace {

// The kernel limits a command line to a quarter of the stack, 128 KiB an argument: enough for people.
constexpr size_t kMaxFileBytes = size_t{1} << 20;

std::string ProcPath(pid_t pid, std::string_view name) {
  return "/proc/" + std::to_string(pid) + "/" + std::string(name);
}

std::string TaskPath(pid_t pid, pid_t tid, std::string_view name) {
  return ProcPath(pid, "task/") + std::to_string(tid) + "/" + std::string(name);
}

// On failure errno says why: these files fail at the read, too, when their process ends in between.
std::optional<std::string> ReadFile(const std::string& path) {
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

// The words of a line, one by one.
class Words {
 public:
  explicit Words(std::string_view text) : rest_(text) {}

  std::string_view Next() {
    rest_.remove_prefix(std::min(rest_.find_first_not_of(" \n"), rest_.size()));
    const size_t length = std::min(rest_.find_first_of(" \n"), rest_.size());
    const std::string_view word = rest_.substr(0, length);
    rest_.remove_prefix(length);
    return word;
  }
  void Skip(int words) {
    while (words-- > 0) {
      Next();
    }
  }
  // False, here and from then on, when there was no such number. Base 16 takes "0x" before it.
  template <typename T>
  bool Take(T* number, int base = 10) {
    std::string_view word = Next();
    if (base == 16 && word.starts_with("0x")) {
      word.remove_prefix(2);
    }
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), *number, base);
    good_ = good_ && error == std::errc() && end == word.data() + word.size();
    return good_;
  }

 private:
  std::string_view rest_;
  bool good_ = true;
};

// The value of "Name:\t..." in a status file, up to the end of its line. The kernel escapes newlines in the
// process's name, so that a line's start is always its own.
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
  return words.Take(&stat.start_ticks) ? std::optional(std::move(stat)) : std::nullopt;
}

std::optional<ProcStat> ReadStat(pid_t pid) {
  const std::optional<std::string> text = ReadFile(ProcPath(pid, "stat"));
  return text ? ParseStat(*text) : std::nullopt;
}

std::optional<ProcStat> ReadTaskStat(pid_t pid, pid_t tid) {
  const std::optional<std::string> text = ReadFile(TaskPath(pid, tid, "stat"));
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
  if (const std::optional<std::string> text = ReadFile(TaskPath(pid, tid, "syscall"))) {
    return ParseTaskWait(*text);
  }
  // A thread that is there and cannot be looked into is not the same as one that is gone.
  const bool gone = errno == ESRCH || !ReadTaskStat(pid, tid);
  return gone ? std::nullopt : std::optional(TaskWait{});
}

std::optional<uint64_t> ReadContextSwitches(pid_t pid, pid_t tid) {
  const std::optional<std::string> status = ReadFile(TaskPath(pid, tid, "status"));
  if (!status) {
    return std::nullopt;
  }
  uint64_t voluntary = 0;
  uint64_t forced = 0;
  const bool good = Words(StatusField(*status, "voluntary_ctxt_switches")).Take(&voluntary) &&
                    Words(StatusField(*status, "nonvoluntary_ctxt_switches")).Take(&forced);
  return good ? std::optional(voluntary + forced) : std::nullopt;
}

std::optional<SignalMasks> ReadSignalMasks(pid_t pid) {
  const std::optional<std::string> status = ReadFile(ProcPath(pid, "status"));
  if (!status) {
    return std::nullopt;
  }
  SignalMasks masks;
  const bool good = Words(StatusField(*status, "SigIgn")).Take(&masks.ignored, 16) &&
                    Words(StatusField(*status, "SigCgt")).Take(&masks.caught, 16);
  return good ? std::optional(masks) : std::nullopt;
}

std::optional<std::vector<std::string>> ReadCommandLine(pid_t pid) {
  const std::optional<std::string> text = ReadFile(ProcPath(pid, "cmdline"));
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

std::string BootId() {
  const std::optional<std::string> text = ReadFile("/proc/sys/kernel/random/boot_id");
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
