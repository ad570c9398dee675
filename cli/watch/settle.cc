#include "cli/watch/settle.h"

#include <signal.h>
#include <sys/syscall.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "cli/watch/stall.h"
#include "libsync/analyze/lookup.h"
#include "libsync/inspect/proc.h"
#include "libsync/inspect/service_signals.h"

namespace gordian::cli {
namespace {

// The two looks are a promise of the reports.
constexpr uint64_t kApartNs = 200'000'000;
constexpr uint64_t kConditionBytes = 48;  // sizeof(pthread_cond_t)

// Past its condition, a waiter sleeps at the mutex: at an address outside the condition.
bool PastCondition(const trace::SlotRecord& slot, uint64_t futex) {
  return futex != 0 && (futex < slot.wait_address || futex >= slot.wait_address + kConditionBytes);
}

// The kernel has told every thread of a process to end before it takes the first one away.
bool IsTold(const inspect::TaskStatus& status) { return (status.pending >> (SIGKILL - 1) & 1) != 0; }

// Programs limit a wait for a file lock, which has no call with a deadline, by a timer whose signal breaks it
// off: flock(1) with -w, signal.alarm() of Python.
bool HasTimeLimit(const trace::Process& process, const trace::Wait& wait) {
  const trace::Lock* lock =
      wait.kind == trace::WaitKind::kLock ? analyze::At(process.locks, wait.lock) : nullptr;
  if (lock == nullptr || (!analyze::IsFileLock(*lock) && lock->kind != trace::LockKind::kSystemVSemaphore)) {
    return false;
  }
  const auto masks = inspect::ReadSignalMasks(process.pid);
  return masks.has_value() && inspect::TimerSignals(process.pid, masks->caught) != 0;
}

}  // namespace

// The trace of another pid namespace has tids of that one.
pid_t SettleWatch::OuterTid(int32_t tid) const {
  if (!foreign_pids_) {
    return tid;
  }
  auto known = outer_tids_.find(tid);
  return known == outer_tids_.end() ? 0 : known->second;
}

void SettleWatch::MapTids() {
  outer_tids_.clear();
  if (foreign_pids_) {
    for (pid_t tid : inspect::ListTasks(pid_)) {
      outer_tids_[InnerTid(pid_, tid)] = tid;
    }
  }
}

bool SettleWatch::Exists(int32_t tid) const {
  pid_t outer = OuterTid(tid);
  return outer != 0 && inspect::ReadTaskStat(pid_, outer).has_value();
}

std::optional<SettleWatch::Task> SettleWatch::ReadTask(int32_t inner) const {
  pid_t tid = OuterTid(inner);
  auto stat = inspect::ReadTaskStat(pid_, tid);
  auto switches = inspect::ReadContextSwitches(pid_, tid);
  auto wait = inspect::ReadTaskWait(pid_, tid);
  if (!stat.has_value() || !switches.has_value() || !wait.has_value()) {
    return std::nullopt;
  }
  bool at_futex = wait->readable && !wait->running && wait->syscall == SYS_futex;
  return Task{stat->state, *switches, stat->cpu_ticks, at_futex ? wait->args[0] : 0};
}

// Who spins runs for ever, and the kernel tells nothing of it but that it is to end. The slot is enough where
// it stands in a cycle: each lock of a cycle is held while it stands, so nobody gets out of it.
std::optional<SettleWatch::Task> SettleWatch::ReadWaiter(const trace::SlotRecord& slot) const {
  if ((slot.wait_flags & trace::kSpins) != 0) {
    auto status = inspect::ReadTaskStatus(pid_, OuterTid(slot.tid));
    return status.has_value() && !IsTold(*status) ? std::optional<Task>(Task{}) : std::nullopt;
  }
  auto task = ReadTask(slot.tid);
  return task.has_value() && task->state == 'S' ? task : std::nullopt;
}

std::vector<bool> SettleWatch::Unchanged(const std::vector<trace::SlotSnapshot>& slots) const {
  std::vector<bool> unchanged;
  for (const trace::SlotSnapshot& slot : slots) {
    auto before = last_.find(slot.slot.tid);
    unchanged.push_back(before != last_.end() && before->second.SameAs(slot));
  }
  return unchanged;
}

bool SettleWatch::Look(const LiveTrace& trace, const std::vector<trace::SlotSnapshot>& slots,
                       const std::set<trace::Ref>& lost, uint64_t now_ns) {
  pid_ = trace.pid;
  foreign_pids_ = trace.foreign_pids;
  MapTids();
  auto exists = [&](int32_t tid) { return Exists(tid); };
  std::vector<bool> stalled = FindStalled(slots, Unchanged(slots), exists, lost);
  TakeSamples(slots, stalled, now_ns);
  last_.clear();
  for (const trace::SlotSnapshot& slot : slots) {
    last_[slot.slot.tid] = slot;
  }
  // What may hang by the slots must also hang by what the kernel says.
  std::vector<bool> settled;
  for (const trace::SlotSnapshot& slot : slots) {
    auto sample = samples_.find(slot.slot.tid);
    settled.push_back(sample != samples_.end() && sample->second.settled);
  }
  std::vector<bool> stuck = FindStalled(slots, settled, exists, lost);
  if (std::find(stuck.begin(), stuck.end(), true) == stuck.end()) {
    return false;
  }
  return judged_.insert(Signature(slots)).second;
}

void SettleWatch::TakeSamples(const std::vector<trace::SlotSnapshot>& slots, const std::vector<bool>& stalled,
                              uint64_t now_ns) {
  std::map<int32_t, Sample> fresh;
  for (size_t i = 0; i < slots.size(); ++i) {
    if (!stalled[i]) {
      continue;
    }
    const trace::SlotRecord& slot = slots[i].slot;
    auto task = ReadWaiter(slot);
    if (!task.has_value()) {
      continue;
    }
    bool condition = static_cast<trace::WaitKind>(slot.wait_kind) == trace::WaitKind::kCondition;
    if (condition && !PastCondition(slot, task->futex)) {
      continue;
    }
    Sample sample{*task, slots[i], now_ns, false};
    auto before = samples_.find(slot.tid);
    if (before != samples_.end() && before->second.task == *task && before->second.slot.SameAs(slots[i])) {
      sample.since_ns = before->second.since_ns;
      sample.settled = now_ns - sample.since_ns >= kApartNs;
    }
    fresh[slot.tid] = std::move(sample);
  }
  samples_ = std::move(fresh);
}

// The settled picture: who stands where.
std::string SettleWatch::Signature(const std::vector<trace::SlotSnapshot>& slots) const {
  std::string signature;
  for (const trace::SlotSnapshot& snapshot : slots) {
    auto sample = samples_.find(snapshot.slot.tid);
    if (sample == samples_.end() || !sample->second.settled) {
      continue;
    }
    absl::StrAppend(&signature, snapshot.slot.tid, "/", snapshot.slot.acquisitions, "/",
                    snapshot.slot.wait_object, " ");
  }
  return signature;
}

void SettleWatch::Apply(trace::Process* process) const {
  // First who is gone, then who still sleeps or spins: exit_group wakes every thread, and tells it to end,
  // before the first one is gone, so a thread that has not moved by then proves that the others did not
  // vanish with their process.
  for (trace::Thread& thread : process->threads) {
    auto before = last_.find(thread.tid);
    bool same = before != last_.end() && before->second.slot.acquisitions == thread.acquisitions;
    thread.gone = thread.live && same && thread.state == trace::ThreadState::kRunning && !Exists(thread.tid);
  }
  bool any_settled = false;
  for (trace::Thread& thread : process->threads) {
    Settle(process, &thread);
    any_settled = any_settled || thread.settled;
  }
  for (trace::Thread& thread : process->threads) {
    thread.gone = thread.gone && any_settled;
  }
}

void SettleWatch::Settle(trace::Process* process, trace::Thread* thread) const {
  auto sample = samples_.find(thread->tid);
  if (!thread->live || sample == samples_.end() || !sample->second.settled) {
    return;
  }
  const trace::SlotRecord& slot = sample->second.slot.slot;
  bool same = slot.acquisitions == thread->acquisitions && slot.segment == thread->segment &&
              slot.wait_kind == static_cast<uint8_t>(thread->wait.kind);
  // Asked again after the trace was read: then the reading lies between two equal looks.
  auto task = ReadWaiter(slot);
  thread->settled = same && task.has_value() && *task == sample->second.task;
  thread->wait.timed = thread->wait.timed || (thread->settled && HasTimeLimit(*process, thread->wait));
  if (thread->settled && thread->wait.kind == trace::WaitKind::kCondition && thread->wait.mutex >= 0) {
    const trace::Lock& mutex = process->locks[static_cast<size_t>(thread->wait.mutex)];
    thread->wait.reacquiring = sample->second.task.futex == mutex.address;
  }
  if (thread->settled && thread->wait.kind == trace::WaitKind::kProcess && thread->wait.child >= 0) {
    const trace::Child& child = process->children[static_cast<size_t>(thread->wait.child)];
    thread->wait.note = absl::StrCat("a wait for the end of pid ", child.pid);
  }
}

}  // namespace gordian::cli
