#include "libsync/inspect/survey.h"

#include <sys/syscall.h>
#include <time.h>

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <thread>
#include <utility>

#include "libsync/inspect/address_space.h"
#include "libsync/inspect/calls.h"
#include "libsync/inspect/descriptors.h"
#include "libsync/inspect/foreign_owners.h"
#include "libsync/inspect/image_builder.h"
#include "libsync/inspect/memory.h"
#include "libsync/inspect/proc.h"
#include "libsync/inspect/recorded_sites.h"
#include "libsync/inspect/registers.h"
#include "libsync/inspect/releasers.h"
#include "libsync/inspect/semaphores.h"
#include "libsync/inspect/stopped_thread.h"

namespace gordian::inspect {
namespace {

// On a busy machine a thread needs a while to be back in its call. One that is not by then went on.
constexpr int kMostRebases = 20;
constexpr int kMostPollTries = 10;

// What the kernel says of a thread at one look; equal at two looks: it did not move in between.
struct Look {
  char state = '?';
  uint64_t switches = 0;
  TaskWait wait;
  bool operator==(const Look&) const = default;
};

bool IsStopped(const Look& look) { return look.state == 'T' || look.state == 't'; }

bool Sleeps(const Look& look) {
  return (look.state == 'S' || look.state == 'D' || IsStopped(look)) && look.wait.readable &&
         !look.wait.running && look.wait.syscall >= 0;
}

// It may have been woken up in between.
bool IsAtTheSamePlace(const Look& look, const Look& other) {
  return Sleeps(other) && look.wait.syscall == other.wait.syscall && look.wait.sp == other.wait.sp &&
         look.wait.pc == other.wait.pc;
}

struct Task {
  TaskStatus status;
  Look look;
  bool moved = false;
  bool polls = false;  // asleep at this place at each look, in a call that ends by its timeout
  std::optional<FutexWait> futex;
  bool was_held = false;  // by us, for its registers
};

uint64_t RealNs() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

class ProcessSurvey {
 public:
  explicit ProcessSurvey(pid_t pid) : pid_(pid), memory_(pid) {}

  // The first look. Returns why not.
  std::optional<Refusal::Why> Begin();
  // Objects, and stacks if they are asked for, as they stand now.
  void Collect(const SurveyOptions& options);
  // A look that begins the comparison anew, after threads were stopped. False: some are still on their way
  // back to where they waited.
  bool Rebase();
  void CatchPollers();
  void LookAgain();
  bool StillPolls(pid_t tid, const Look& before) const;
  // nullopt: it is another process by now, or none.
  std::optional<trace::Process> Finish(const SurveyOptions& options);
  ProcessFacts Facts() const;
  // What could not be read of the process, a sentence; empty if nothing.
  std::string Unread() const;
  // The last look: takes back what Finish() said of threads that have moved since. False: it is another
  // process by now, or none.
  bool Confirm(trace::Process* process);

 private:
  bool IsTheSame() const;
  std::optional<std::pair<TaskStatus, Look>> LookAt(pid_t tid) const;
  void TakeStack(pid_t tid, Task* task, bool stop);
  SeenThread Describe(const Task& task) const;

  pid_t pid_;
  ProcStat stat_;
  ProcessMemory memory_;
  std::optional<ImageBuilder> builder_;
  std::map<pid_t, Task> tasks_;
};

std::optional<std::pair<TaskStatus, Look>> ProcessSurvey::LookAt(pid_t tid) const {
  std::optional<TaskStatus> status = ReadTaskStatus(pid_, tid);
  const std::optional<TaskWait> wait = status ? ReadTaskWait(pid_, tid) : std::nullopt;
  if (!wait) {
    return std::nullopt;
  }
  const Look look{status->state, status->switches, AsItBegan(*wait, memory_)};
  return std::pair(std::move(*status), look);
}

std::optional<Refusal::Why> ProcessSurvey::Begin() {
  const std::optional<ProcStat> stat = ReadStat(pid_);
  if (!stat) {
    return Refusal::Why::kGone;
  }
  stat_ = *stat;
  for (const pid_t tid : ListTasks(pid_)) {
    auto seen = LookAt(tid);
    if (!seen) {
      continue;
    }
    if (!seen->second.wait.readable && seen->second.state != 'Z' && seen->second.state != 'X') {
      return Refusal::Why::kNotPermitted;
    }
    Task& task = tasks_[tid];
    task.status = std::move(seen->first);
    task.look = seen->second;
    task.polls = Sleeps(task.look) && IsTimed(task.look.wait);
  }
  CatchPollers();
  return tasks_.empty() ? std::optional(Refusal::Why::kGone) : std::nullopt;
}

// Who polls is awake for a moment now and then, on a busy machine for longer.
void ProcessSurvey::CatchPollers() {
  for (int tries = 0; tries < kMostPollTries; ++tries) {
    bool some_run = false;
    for (auto& [tid, task] : tasks_) {
      const auto seen = task.look.wait.running ? LookAt(tid) : std::nullopt;
      if (seen && Sleeps(seen->second) && IsTimed(seen->second.wait)) {
        task.look = seen->second;
        task.polls = true;
      }
      some_run = some_run || (seen && !task.polls);
    }
    if (!some_run) {
      return;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

void ProcessSurvey::Collect(const SurveyOptions& options) {
  std::set<pid_t> inner_tids;
  for (const auto& [tid, task] : tasks_) {
    inner_tids.insert(task.status.inner_tid);
  }
  builder_.emplace(&memory_, ReadAddressSpace(pid_, memory_).value_or(AddressSpace()), std::move(inner_tids));
  for (auto& [tid, task] : tasks_) {
    if (options.stacks) {
      TakeStack(tid, &task, options.stop);
    }
    if (Sleeps(task.look)) {
      task.futex = builder_->Identify(tid, task.look.wait);
    }
  }
}

void ProcessSurvey::TakeStack(pid_t tid, Task* task, bool stop) {
  const TaskWait& wait = task->look.wait;
  if (stop && (wait.running || (IsFutexWait(wait) && !IsTimed(wait)))) {
    const StoppedThread stopped(tid);
    if (stopped.registers()) {
      task->was_held = true;
      // Walked while it is held: the stack of one that runs is gone a moment later.
      builder_->TakeStack(tid, task->status.inner_tid, RegistersOf(*stopped.registers()));
      return;
    }
  }
  if (Sleeps(task->look)) {
    builder_->TakeStack(tid, task->status.inner_tid, RegistersOf(wait));
  }
}

bool ProcessSurvey::Rebase() {
  bool all_back = true;
  for (auto& [tid, task] : tasks_) {
    if (!task.was_held || !Sleeps(task.look)) {
      continue;
    }
    const auto seen = LookAt(tid);
    task.moved = !seen || seen->second.wait != task.look.wait;
    if (!task.moved) {
      task.look = seen->second;
    }
    all_back = all_back && !task.moved;
  }
  return all_back;
}

bool ProcessSurvey::StillPolls(pid_t tid, const Look& before) const {
  for (int tries = 0; tries < kMostPollTries; ++tries) {
    const auto seen = LookAt(tid);
    if (!seen || IsAtTheSamePlace(before, seen->second)) {
      return seen.has_value();
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return false;
}

void ProcessSurvey::LookAgain() {
  for (auto& [tid, task] : tasks_) {
    task.polls = task.polls && StillPolls(tid, task.look);
    const auto seen = task.moved ? std::nullopt : LookAt(tid);
    task.moved = task.moved || !seen || seen->second != task.look ||
                 (task.futex && builder_->Identify(tid, task.look.wait) != task.futex);
  }
}

SeenThread ProcessSurvey::Describe(const Task& task) const {
  SeenThread seen;
  seen.name = task.status.name;
  seen.inner_tid = task.status.inner_tid;
  seen.ended = task.look.state == 'Z';
  seen.sleeps = Sleeps(task.look);
  seen.stopped = IsStopped(task.look);
  seen.moved = task.moved;
  seen.wait = task.look.wait;
  seen.futex = task.futex;
  const Call* call = seen.sleeps ? FindCall(seen.wait.syscall) : nullptr;
  if (call != nullptr && call->descriptor >= 0) {
    const auto number = static_cast<int>(seen.wait.args[static_cast<size_t>(call->descriptor)]);
    seen.object = DescribeDescriptor(number, DescriptorTarget(pid_, number));
  }
  const bool semaphore = seen.wait.syscall == SYS_semop || seen.wait.syscall == SYS_semtimedop;
  if (seen.sleeps && semaphore && SharesNamespace(pid_, "ipc")) {
    seen.object = DescribeSemaphore(seen.wait, memory_);
  }
  return seen;
}

std::optional<trace::Process> ProcessSurvey::Finish(const SurveyOptions& options) {
  if (!IsTheSame()) {
    return std::nullopt;
  }
  std::erase_if(tasks_, [this](const auto& task) {
    const std::optional<TaskStatus> status = ReadTaskStatus(pid_, task.first);
    return !status || status->state == 'X';
  });
  std::map<pid_t, SeenThread> threads;
  for (const auto& [tid, task] : tasks_) {
    threads[tid] = Describe(task);
  }
  trace::Process process = builder_->Build(pid_, threads);
  if (options.stacks) {
    if (const auto record = ReadRecord(pid_, stat_.start_ticks, builder_->space())) {
      AddRecordedSites(*record, builder_->threads(), &process);
    }
  }
  process.ppid = stat_.ppid;
  process.start_ticks = stat_.start_ticks;
  process.session = stat_.session;
  process.start_ns = MonotonicNs(stat_.start_ticks);
  process.executable = ReadExecutable(pid_).value_or("");
  process.command = ReadCommandLine(pid_).value_or(std::vector<std::string>());
  return process;
}

ProcessFacts ProcessSurvey::Facts() const {
  ProcessFacts facts;
  facts.space = &builder_->space();
  facts.threads = &builder_->threads();
  facts.blocked_signals = ~uint64_t{0};
  for (const auto& [tid, task] : tasks_) {
    facts.traced = facts.traced || task.status.tracer != 0;
    facts.blocked_signals &= task.look.state == 'Z' ? ~uint64_t{0} : task.status.blocked;
    WaitFacts wait;
    wait.call = task.look.wait;
    wait.is_futex = task.futex.has_value();
    if (task.futex) {
      wait.shared = task.futex->shared;
      wait.address = task.futex->address;
      wait.owner = task.futex->wait == trace::WaitKind::kLock ? task.futex->owner : 0;
    }
    facts.waits[tid] = wait;
  }
  return facts;
}

std::string ProcessSurvey::Unread() const {
  const std::string& what = builder_->unread();
  return what.empty() ? ""
                      : "pid " + std::to_string(pid_) + " runs " + what + ": its Python lines are not read";
}

bool ProcessSurvey::IsTheSame() const {
  const std::optional<ProcStat> now = ReadStat(pid_);
  return now && now->start_ticks == stat_.start_ticks;
}

bool ProcessSurvey::Confirm(trace::Process* process) {
  LookAgain();
  for (trace::Thread& thread : process->threads) {
    const auto task = tasks_.find(thread.tid);
    if (task != tasks_.end() && task->second.moved) {
      thread.settled = false;
      thread.polls = task->second.polls;
    }
  }
  return IsTheSame();
}

}  // namespace

Survey TakeSurvey(const std::vector<pid_t>& pids, const SurveyOptions& options) {
  Survey survey;
  survey.run.start_real_ns = RealNs();
  const auto start = std::chrono::steady_clock::now();
  std::vector<std::pair<pid_t, std::unique_ptr<ProcessSurvey>>> processes;
  for (const pid_t pid : pids) {
    auto process = std::make_unique<ProcessSurvey>(pid);
    if (const auto why = process->Begin()) {
      survey.refused.push_back({pid, *why});
    } else {
      processes.emplace_back(pid, std::move(process));
    }
  }
  auto next = std::chrono::steady_clock::now() + std::chrono::milliseconds(options.apart_ms);
  for (auto& [pid, process] : processes) {
    process->Collect(options);
  }
  const auto pause = [&next, &options] {
    std::this_thread::sleep_until(next);
    next = std::chrono::steady_clock::now() + std::chrono::milliseconds(options.apart_ms);
  };
  bool all_back = !options.stop;
  for (int look = 0; look < kMostRebases && !all_back; ++look) {
    next = std::chrono::steady_clock::now() + std::chrono::milliseconds(options.apart_ms);
    pause();
    all_back = true;
    for (auto& [pid, process] : processes) {
      all_back = process->Rebase() && all_back;
    }
  }
  for (int look = 2; look < options.looks && !processes.empty(); ++look) {
    pause();
    for (auto& [pid, process] : processes) {
      process->LookAgain();
    }
  }
  std::vector<ProcessSurvey*> finished;
  std::vector<ProcessFacts> facts;
  for (auto& [pid, process] : processes) {
    if (std::optional<trace::Process> result = process->Finish(options)) {
      survey.run.processes.push_back(std::move(*result));
      finished.push_back(process.get());
      facts.push_back(process->Facts());
      if (std::string unread = process->Unread(); !unread.empty()) {
        survey.run.lost.push_back(std::move(unread));
      }
    } else {
      survey.refused.push_back({pid, Refusal::Why::kGone});
    }
  }
  // Between two looks: who did not move in between did not change what he has open either.
  survey.partners = NameReleasers(facts, options.surroundings, &survey.run);
  NameForeignOwners(facts, &survey.run);
  if (!finished.empty()) {
    pause();
  }
  for (size_t p = 0; p < finished.size(); ++p) {
    if (!finished[p]->Confirm(&survey.run.processes[p])) {
      survey.refused.push_back({survey.run.processes[p].pid, Refusal::Why::kGone});
    }
  }
  survey.run.duration_ns = static_cast<uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now() - start).count());
  return survey;
}

}  // namespace gordian::inspect
