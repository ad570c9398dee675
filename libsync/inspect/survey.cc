#include "libsync/inspect/survey.h"

#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <thread>
#include <utility>

#include "libsync/inspect/address_space.h"
#include "libsync/inspect/calls.h"
#include "libsync/inspect/descriptors.h"
#include "libsync/inspect/futex_wait.h"
#include "libsync/inspect/libc_layout.h"
#include "libsync/inspect/memory.h"
#include "libsync/inspect/proc.h"
#include "libsync/inspect/releasers.h"
#include "libsync/inspect/unwind.h"

namespace gordian::inspect {
namespace {

using trace::Index;
using trace::kNoIndex;
using trace::WaitKind;

// The functions that tell what a futex is stand among so many innermost frames.
constexpr size_t kNamedFrames = 6;

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

struct Task {
  TaskStatus status;
  Look look;
  bool moved = false;
  std::optional<FutexWait> futex;
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
  // Objects, and with `stacks` these, as they stand now.
  void Collect(bool stacks);
  void LookAgain();
  // nullopt: it is another process by now, or none.
  std::optional<trace::Process> Finish();
  ProcessFacts Facts() const;
  // The last look: takes back what Finish() said of threads that have moved since.
  void Confirm(trace::Process* process);

 private:
  std::optional<std::pair<TaskStatus, Look>> LookAt(pid_t tid) const;
  FutexWait Identify(const Task& task) const;
  void TakeStack(pid_t tid, const Task& task);
  Index AddStack(const Unwinder::Walk& walk);
  void AddThread(pid_t tid, const Task& task);
  void AddWait(const Task& task, trace::Thread* thread);
  Index AddLock(const FutexWait& futex);
  void AddOwner(const FutexWait& futex, Index lock);
  std::optional<trace::SharedIdentity> SharedPlace(uint64_t address) const;
  Index ThreadByInnerTid(pid_t inner_tid) const;
  Index AddGoneOwner(pid_t inner_tid);
  bool IsFromParent(pid_t inner_tid) const;

  pid_t pid_;
  ProcStat stat_;
  ProcessMemory memory_;
  std::optional<AddressSpace> space_;
  std::unique_ptr<Unwinder> unwinder_;
  const LibcLayout* layout_ = nullptr;
  std::map<pid_t, Task> tasks_;
  std::map<pid_t, pid_t> inner_;  // inner tid -> tid
  std::map<pid_t, Index> stack_of_;
  std::map<pid_t, std::vector<std::string>> functions_of_;
  std::map<std::vector<uint64_t>, Index> stacks_;
  std::map<std::pair<uint64_t, trace::LockKind>, Index> locks_;
  std::map<pid_t, Index> threads_;  // by inner tid
  trace::Process process_;
};

std::optional<std::pair<TaskStatus, Look>> ProcessSurvey::LookAt(pid_t tid) const {
  std::optional<TaskStatus> status = ReadTaskStatus(pid_, tid);
  const std::optional<TaskWait> wait = status ? ReadTaskWait(pid_, tid) : std::nullopt;
  if (!wait) {
    return std::nullopt;
  }
  const Look look{status->state, status->switches, *wait};
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
    inner_[seen->first.inner_tid] = tid;
    tasks_[tid] = {std::move(seen->first), seen->second, false, std::nullopt};
  }
  return tasks_.empty() ? std::optional(Refusal::Why::kGone) : std::nullopt;
}

void ProcessSurvey::Collect(bool stacks) {
  space_ = ReadAddressSpace(pid_, memory_);
  if (!space_) {
    space_.emplace();
  }
  if (stacks) {
    unwinder_ = std::make_unique<Unwinder>(&memory_, &*space_);
  }
  layout_ = LayoutOf(*space_, memory_);
  for (auto& [tid, task] : tasks_) {
    if (!Sleeps(task.look)) {
      continue;
    }
    if (stacks) {
      TakeStack(tid, task);
    }
    if (IsFutexWait(task.look.wait)) {
      task.futex = Identify(task);
    }
  }
}

void ProcessSurvey::TakeStack(pid_t tid, const Task& task) {
  const Unwinder::Walk walk = unwinder_->Unwind(task.look.wait.sp, task.look.wait.pc);
  stack_of_[tid] = AddStack(walk);
  std::vector<std::string>& functions = functions_of_[tid];
  for (size_t i = 0; i < walk.addresses.size() && i < kNamedFrames; ++i) {
    functions.push_back(unwinder_->FunctionAt(walk.addresses[i] - (i > 0 ? 1 : 0)));
  }
}

Index ProcessSurvey::AddStack(const Unwinder::Walk& walk) {
  const auto [known, is_new] = stacks_.try_emplace(walk.addresses, static_cast<Index>(stacks_.size()));
  if (is_new) {
    trace::Stack stack;
    for (size_t i = 0; i < walk.addresses.size(); ++i) {
      trace::Frame frame = space_->FrameAt(walk.addresses[i]);
      frame.inexact = i >= walk.exact;
      stack.frames.push_back(frame);
    }
    process_.stacks.push_back(std::move(stack));
  }
  return known->second;
}

FutexWait ProcessSurvey::Identify(const Task& task) const {
  FutexWitnesses witnesses;
  witnesses.layout = layout_;
  witnesses.memory = &memory_;
  const auto functions = functions_of_.find(inner_.at(task.status.inner_tid));
  if (functions != functions_of_.end()) {
    witnesses.functions = functions->second;
  }
  witnesses.is_thread = [this](pid_t inner_tid) { return inner_.contains(inner_tid); };
  return IdentifyFutexWait(task.look.wait, witnesses);
}

void ProcessSurvey::LookAgain() {
  for (auto& [tid, task] : tasks_) {
    const auto seen = task.moved ? std::nullopt : LookAt(tid);
    task.moved = !seen || seen->second != task.look || (task.futex && Identify(task) != *task.futex);
  }
}

std::optional<trace::Process> ProcessSurvey::Finish() {
  const std::optional<ProcStat> now = ReadStat(pid_);
  if (!now || now->start_ticks != stat_.start_ticks) {
    return std::nullopt;
  }
  process_.pid = pid_;
  process_.ppid = now->ppid;
  process_.start_ticks = now->start_ticks;
  process_.session = now->session;
  process_.start_ns = MonotonicNs(now->start_ticks);
  process_.executable = ReadExecutable(pid_).value_or("");
  process_.command = ReadCommandLine(pid_).value_or(std::vector<std::string>());
  // No recorder was there whose work could be missing.
  process_.flags = trace::kHooksWork | trace::kTagsWork;
  process_.modules = space_->modules;
  std::vector<pid_t> gone;
  for (const auto& [tid, task] : tasks_) {
    if (const std::optional<TaskStatus> status = ReadTaskStatus(pid_, tid); !status || status->state == 'X') {
      gone.push_back(tid);
    }
  }
  for (const pid_t tid : gone) {
    inner_.erase(tasks_.at(tid).status.inner_tid);
    tasks_.erase(tid);
  }
  for (const auto& [tid, task] : tasks_) {
    AddThread(tid, task);
  }
  for (const auto& [tid, task] : tasks_) {
    if (Sleeps(task.look)) {
      AddWait(task, &process_.threads[static_cast<size_t>(threads_.at(task.status.inner_tid))]);
    }
  }
  return std::move(process_);
}

void ProcessSurvey::AddThread(pid_t tid, const Task& task) {
  trace::Thread thread;
  thread.tid = tid;
  thread.name = task.status.name;
  thread.live = true;
  if (tid == pid_) {
    thread.flags = trace::kMainThread;
  }
  // A main thread that ended stays, as a zombie, until the last of the others is gone.
  thread.state = task.look.state == 'Z' ? trace::ThreadState::kFinished : trace::ThreadState::kRunning;
  threads_[task.status.inner_tid] = static_cast<Index>(process_.threads.size());
  process_.threads.push_back(std::move(thread));
}

void ProcessSurvey::AddWait(const Task& task, trace::Thread* thread) {
  trace::Wait wait;
  const pid_t tid = thread->tid;
  const TaskWait& seen = task.look.wait;
  const Call* call = FindCall(seen.syscall);
  wait.timed = IsTimed(seen);
  wait.note = call != nullptr ? call->name : "system call " + std::to_string(seen.syscall);
  if (call != nullptr && call->descriptor >= 0) {
    const auto number = static_cast<int>(seen.args[static_cast<size_t>(call->descriptor)]);
    wait.note += " of " + DescribeDescriptor(number, DescriptorTarget(pid_, number));
  }
  if (const auto stack = stack_of_.find(tid); stack != stack_of_.end()) {
    wait.stack = stack->second;
  }
  bool owned = false;
  Index lock = kNoIndex;
  if (task.futex) {
    const FutexWait& futex = *task.futex;
    wait.kind = futex.wait;
    wait.mode = futex.mode;
    wait.address = futex.address;
    owned = futex.owner != 0;
    if (futex.wait == WaitKind::kJoin) {
      wait.thread = ThreadByInnerTid(futex.owner);
    } else if (futex.kind != trace::LockKind::kUnknown) {
      lock = AddLock(futex);
      wait.lock = lock;
    }
  } else if (seen.syscall == SYS_wait4 || seen.syscall == SYS_waitid) {
    wait.kind = WaitKind::kProcess;
    wait.value = static_cast<int32_t>(seen.args[seen.syscall == SYS_waitid ? 1 : 0]);
  } else if (seen.syscall == SYS_nanosleep || seen.syscall == SYS_clock_nanosleep) {
    wait.kind = WaitKind::kSleep;
  } else {
    wait.kind = WaitKind::kCall;
  }
  // A stopped thread is somewhere in its call or behind it; only an owner in the memory still says that it
  // cannot go on.
  thread->settled = !task.moved && (!IsStopped(task.look) || owned);
  thread->wait = std::move(wait);
  if (lock != kNoIndex && owned) {
    AddOwner(*task.futex, lock);
  }
}

Index ProcessSurvey::AddLock(const FutexWait& futex) {
  const auto [known, is_new] =
      locks_.try_emplace(std::pair(futex.address, futex.kind), static_cast<Index>(process_.locks.size()));
  if (is_new) {
    trace::Lock lock;
    lock.ref = static_cast<trace::Ref>(process_.locks.size() + 1);
    lock.kind = futex.kind;
    lock.flags = futex.flags;
    lock.address = futex.address;
    if (futex.shared) {
      lock.flags |= trace::kProcessShared;
      lock.shared = SharedPlace(futex.address);
    }
    const trace::Frame place = space_->FrameAt(futex.address);
    if (place.module != kNoIndex) {
      lock.place = place;
      lock.flags |= trace::kStatic;
    }
    process_.locks.push_back(std::move(lock));
  }
  return known->second;
}

void ProcessSurvey::AddOwner(const FutexWait& futex, Index lock) {
  Index owner = ThreadByInnerTid(futex.owner);
  if (owner == kNoIndex) {
    // What other processes may lock, one of them may hold.
    if (futex.shared) {
      return;
    }
    if (IsFromParent(futex.owner)) {
      process_.locks[static_cast<size_t>(lock)].flags |= trace::kInherited;
      process_.locks[static_cast<size_t>(lock)].owner_at_fork = futex.owner;
      return;
    }
    owner = AddGoneOwner(futex.owner);
  }
  std::vector<trace::Holding>& held = process_.threads[static_cast<size_t>(owner)].held;
  const bool known =
      std::any_of(held.begin(), held.end(), [lock](const trace::Holding& h) { return h.lock == lock; });
  if (!known) {
    trace::Holding holding;
    holding.lock = lock;
    held.push_back(holding);
  }
}

std::optional<trace::SharedIdentity> ProcessSurvey::SharedPlace(uint64_t address) const {
  const Mapping* mapping = space_->MappingAt(address);
  if (mapping == nullptr || !mapping->shared || mapping->inode == 0) {
    return std::nullopt;
  }
  trace::SharedIdentity identity;
  identity.space = trace::SharedSpace::kMemory;
  identity.device = mapping->device;
  identity.inode = mapping->inode;
  identity.offset = mapping->offset + (address - mapping->start);
  return identity;
}

ProcessFacts ProcessSurvey::Facts() const {
  ProcessFacts facts;
  facts.space = &*space_;
  for (const auto& [tid, task] : tasks_) {
    facts.traced = facts.traced || task.status.tracer != 0;
    WaitFacts wait;
    wait.call = task.look.wait;
    wait.is_futex = task.futex.has_value();
    if (task.futex) {
      wait.shared = task.futex->shared;
      wait.address = task.futex->address;
    }
    facts.waits[tid] = wait;
  }
  return facts;
}

void ProcessSurvey::Confirm(trace::Process* process) {
  LookAgain();
  for (trace::Thread& thread : process->threads) {
    const auto task = tasks_.find(thread.tid);
    if (task != tasks_.end() && task->second.moved) {
      thread.settled = false;
    }
  }
}

Index ProcessSurvey::ThreadByInnerTid(pid_t inner_tid) const {
  const auto found = threads_.find(inner_tid);
  return found == threads_.end() ? kNoIndex : found->second;
}

Index ProcessSurvey::AddGoneOwner(pid_t inner_tid) {
  const auto index = static_cast<Index>(process_.threads.size());
  trace::Thread thread;
  thread.tid = inner_tid;
  thread.gone = true;
  process_.threads.push_back(std::move(thread));
  threads_[inner_tid] = index;
  return index;
}

// The lock was copied at a fork while a thread held it that the child does not have. Numbers are given in
// ascending order: what is smaller than the process's own was there before it.
bool ProcessSurvey::IsFromParent(pid_t inner_tid) const {
  const auto main = tasks_.find(pid_);
  return main != tasks_.end() && inner_tid < main->second.status.inner_tid;
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
    process->Collect(options.stacks);
  }
  const auto pause = [&next, &options] {
    std::this_thread::sleep_until(next);
    next = std::chrono::steady_clock::now() + std::chrono::milliseconds(options.apart_ms);
  };
  for (int look = 2; look < options.looks && !processes.empty(); ++look) {
    pause();
    for (auto& [pid, process] : processes) {
      process->LookAgain();
    }
  }
  std::vector<ProcessSurvey*> finished;
  std::vector<ProcessFacts> facts;
  for (auto& [pid, process] : processes) {
    if (std::optional<trace::Process> result = process->Finish()) {
      survey.run.processes.push_back(std::move(*result));
      finished.push_back(process.get());
      facts.push_back(process->Facts());
    } else {
      survey.refused.push_back({pid, Refusal::Why::kGone});
    }
  }
  // Between two looks: who did not move in between did not change what he has open either.
  NameReleasers(facts, options.surroundings, &survey.run);
  if (!finished.empty()) {
    pause();
  }
  for (size_t p = 0; p < finished.size(); ++p) {
    finished[p]->Confirm(&survey.run.processes[p]);
  }
  survey.run.duration_ns = static_cast<uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now() - start).count());
  return survey;
}

}  // namespace gordian::inspect
