// What /proc tells about processes and threads that are not ours to stop.
//
// Every answer is a moment's: processes vanish between two calls and pids come back for others, so nullopt is
// always possible, and (pid, start_ticks) is a process's identity, the pid alone is not.
//
// Thread safety: functions without shared state; call them from any thread.
#ifndef GORDIAN_LIBSYNC_INSPECT_PROC_H_
#define GORDIAN_LIBSYNC_INSPECT_PROC_H_

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace gordian::inspect {

// /proc/PID/stat, or the same of one thread.
struct ProcStat {
  pid_t pid = 0;  // of a thread: its tid
  std::string comm;
  char state = '?';  // R running, S sleeping, D disk sleep, T stopped, t traced, Z zombie, X dead
  pid_t ppid = 0;
  pid_t pgrp = 0;
  pid_t session = 0;
  uint64_t cpu_ticks = 0;  // user and system time; changes when the thread runs, to the tick
  int64_t threads = 0;
  uint64_t start_ticks = 0;  // after boot, on CLOCK_BOOTTIME
  // Of a zombie: how it ended, as wait(2) gives it. nullopt: it lives, ended with 0, or the kernel
  // does not tell us.
  std::optional<int> status;

  bool IsZombie() const { return state == 'Z'; }
};

bool HasProc();
inline constexpr const char* kNoProc = "there is no /proc here, and by it alone gordian sees processes";

std::optional<ProcStat> ReadStat(pid_t pid);
std::optional<ProcStat> ReadTaskStat(pid_t pid, pid_t tid);
// From the text of such a file. The name in it is the process's own choice and may hold anything.
std::optional<ProcStat> ParseStat(std::string_view text);

// In ascending order. Empty when there is no such process.
std::vector<pid_t> ListTasks(pid_t pid);
std::vector<pid_t> ListPids();

// All processes, and those whose parent is one of `parents`, by one pass over /proc.
std::vector<ProcStat> ListProcesses();
std::vector<ProcStat> Children(const std::unordered_set<pid_t>& parents);

// Where a thread stands in the kernel.
struct TaskWait {
  // False: the kernel did not let us look (another user's process, a restricted ptrace scope, a kernel
  // without this file).
  bool readable = false;
  // On a processor, or about to be: the fields below say nothing.
  bool running = false;
  int64_t syscall = -1;  // -1: asleep, but not in a system call (a page fault, a stop)
  std::array<uint64_t, 6> args{};
  uint64_t sp = 0;
  uint64_t pc = 0;
  bool operator==(const TaskWait&) const = default;
};
std::optional<TaskWait> ReadTaskWait(pid_t pid, pid_t tid);
std::optional<TaskWait> ParseTaskWait(std::string_view text);

// Voluntary and forced together. Unchanged between two looks at a sleeping thread: it did not wake in
// between.
std::optional<uint64_t> ReadContextSwitches(pid_t pid, pid_t tid);

// What /proc/PID/task/TID/status tells of a thread.
struct TaskStatus {
  std::string name;
  char state = '?';       // as in ProcStat
  pid_t inner_tid = 0;    // its tid in its own pid namespace
  pid_t tracer = 0;       // who traces it, 0: nobody
  uint64_t switches = 0;  // see ReadContextSwitches
  uint64_t pending = 0;   // signals for it or its process; bit n-1 stands for signal n
  uint64_t blocked = 0;   // those that it does not take
};
std::optional<TaskStatus> ReadTaskStatus(pid_t pid, pid_t tid);
std::optional<TaskStatus> ParseTaskStatus(std::string_view text);

// What the process does with signals; bit n-1 stands for signal n.
struct SignalMasks {
  uint64_t ignored = 0;
  uint64_t caught = 0;
  bool Ignores(int signal) const { return (ignored >> (signal - 1) & 1) != 0; }
  bool Catches(int signal) const { return (caught >> (signal - 1) & 1) != 0; }
};
std::optional<SignalMasks> ReadSignalMasks(pid_t pid);

// Process 1 of its pid namespace: the kernel hands it all orphans there.
bool IsProcessOne(pid_t pid);

// The arguments. Empty for kernel threads and zombies; a process may overwrite its own.
std::optional<std::vector<std::string>> ReadCommandLine(pid_t pid);
// As the kernel names it; " (deleted)" stands at the end when the file is gone.
std::optional<std::string> ReadExecutable(pid_t pid);

// Whether it is in the same namespace as we are, of a kind as /proc/PID/ns names it: "mnt", "ipc".
bool SharesNamespace(pid_t pid, std::string_view kind);

// Empty when the kernel does not tell.
std::string BootId();
int64_t TicksPerSecond();
// A start time of ProcStat on CLOCK_MONOTONIC, exact to the tick. The clocks differ by the time that the
// machine was suspended: a suspension after the start counts as before it.
uint64_t MonotonicNs(uint64_t start_ticks);

}  // namespace gordian::inspect

#endif  // GORDIAN_LIBSYNC_INSPECT_PROC_H_
