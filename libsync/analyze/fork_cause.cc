#include "libsync/analyze/fork_cause.h"

#include <algorithm>
#include <cstddef>

#include "absl/strings/str_cat.h"
#include "libsync/analyze/lookup.h"

namespace gordian::analyze {
namespace {

constexpr uint64_t kConditionBytes = 48;  // of pthread_cond_t: its end waits in a word of it

bool CopiesMemory(const trace::Child& child) {
  return child.how == trace::ChildHow::kFork || child.how == trace::ChildHow::kRawFork ||
         child.how == trace::ChildHow::kDaemon;
}

bool LivedThen(const trace::Thread& thread, const trace::Child& child) {
  return thread.start_ns <= child.start_ns && (thread.finish_ns == 0 || thread.finish_ns > child.start_ns);
}

size_t ThreadsThen(const trace::Process& parent, const trace::Child& child) {
  return static_cast<size_t>(
      std::count_if(parent.threads.begin(), parent.threads.end(),
                    [&child](const trace::Thread& thread) { return LivedThen(thread, child); }));
}

bool IsParent(const trace::Process& parent, const trace::Process& child) {
  return child.parent_nonce != 0 && parent.nonce != 0 ? parent.nonce == child.parent_nonce
                                                      : parent.pid == child.ppid;
}

// The child's copy of a lock lies where the parent's lock lies.
const trace::Holding* HeldByOther(const trace::Process& parent, const trace::Child& child, uint64_t address) {
  const auto held =
      std::find_if(child.others_held.begin(), child.others_held.end(), [&](const trace::Holding& holding) {
        const trace::Lock* lock = At(parent.locks, holding.lock);
        return lock != nullptr && address != 0 && lock->address == address;
      });
  return held == child.others_held.end() ? nullptr : &*held;
}

// A thread of the parent that waited at the fork for the condition in which `address` lies.
Index WaiterOf(const trace::Process& parent, const trace::Child& child, uint64_t address, Index* condition) {
  for (size_t t = 0; t < parent.threads.size(); ++t) {
    const trace::Wait& wait = parent.threads[t].wait;
    const trace::Lock* lock =
        wait.kind == trace::WaitKind::kCondition ? At(parent.locks, wait.lock) : nullptr;
    if (lock != nullptr && address >= lock->address && address < lock->address + kConditionBytes &&
        LivedThen(parent.threads[t], child)) {
      *condition = wait.lock;
      return static_cast<Index>(t);
    }
  }
  return kNoIndex;
}

}  // namespace

const char kForkFix[] =
    "{!python:In a program with threads, call exec in the child at once (or use posix_spawn): until then it "
    "may only call async-signal-safe functions, so not exit() but _exit(). Or start the child before the "
    "threads. What must be used on both sides needs pthread_atfork() handlers.}{python:In a program with "
    "threads use the \"spawn\" or \"forkserver\" start method of multiprocessing, or start the processes "
    "before the threads. After a bare os.fork() call exec at once.}";

std::optional<ForkCause> FindFork(const trace::Run& run, Index process) {
  const trace::Process* child = At(run.processes, process);
  if (child == nullptr || child->image != 0) {
    return std::nullopt;
  }
  for (size_t p = 0; p < run.processes.size(); ++p) {
    const trace::Process& parent = run.processes[p];
    if (!IsParent(parent, *child)) {
      continue;
    }
    for (size_t c = 0; c < parent.children.size(); ++c) {
      const trace::Child& record = parent.children[c];
      if (record.pid == child->pid && CopiesMemory(record) && (record.flags & trace::kExecd) == 0 &&
          ThreadsThen(parent, record) > 1) {
        return ForkCause{process, static_cast<Index>(p), static_cast<Index>(c)};
      }
    }
  }
  return std::nullopt;
}

std::string ExplainFork(const trace::Run& run, const ForkCause& cause, Index lock, uint64_t address,
                        FindingBuilder* builder) {
  const trace::Process& parent = run.processes[static_cast<size_t>(cause.parent)];
  const trace::Child& fork = parent.children[static_cast<size_t>(cause.record)];
  Finding& finding = builder->finding();
  const trace::Lock* wanted = At(run.processes[static_cast<size_t>(cause.process)].locks, lock);
  const int wanted_part = builder->In(cause.process).AddLock(lock);
  const int child_part = builder->AddProcess();
  const int parent_part = builder->In(cause.parent).AddProcess();
  ProcessPart& made = finding.processes[static_cast<size_t>(child_part)];
  made.created = builder->Stack(fork.stack);
  made.created_how = HowWord(fork.how);
  const std::string forked = absl::StrCat("pid ", made.pid, " was forked at {created:", child_part,
                                          "} by pid ", parent.pid, " while ");
  builder->AddIdentity(fork.stack);

  Index condition = kNoIndex;
  const trace::Holding* held = wanted == nullptr ? nullptr : HeldByOther(parent, fork, wanted->address);
  Index other = held != nullptr ? held->thread : WaiterOf(parent, fork, address, &condition);
  if (held == nullptr && other == kNoIndex && wanted != nullptr && wanted->owner_at_fork != 0) {
    const auto owner =
        std::find_if(parent.threads.begin(), parent.threads.end(),
                     [wanted](const trace::Thread& thread) { return thread.tid == wanted->owner_at_fork; });
    other = owner == parent.threads.end() ? kNoIndex : static_cast<Index>(owner - parent.threads.begin());
  }
  const int other_part = builder->AddThread(other);
  if (other_part < 0) {
    const size_t threads = ThreadsThen(parent, fork);
    return absl::StrCat(forked, ProcessName(parent_part), " had ", Counted(threads, "thread"),
                        ". Only the one that forked exists here: what the others held stays held, and what "
                        "they would have done does not come. ");
  }
  ThreadPart& part = finding.threads[static_cast<size_t>(other_part)];
  std::string doing;
  if (condition != kNoIndex) {
    const int waited_for = builder->AddLock(condition);
    part.role = "waited for it at the fork";
    doing = absl::StrCat("waited for ", LockName(waited_for),
                         ". To destroy a condition is to wait until its waiters have left it, and that "
                         "thread does not exist here. ");
  } else {
    part.role = "held it at the fork";
    if (held != nullptr && wanted_part >= 0) {
      part.holds.push_back({wanted_part, held->mode, builder->Stack(held->stack)});
    }
    doing = absl::StrCat("held ", LockName(wanted_part),
                         ". That thread does not exist here, so nobody can release it. ");
  }
  return absl::StrCat(forked, ThreadName(other_part), " ", doing);
}

}  // namespace gordian::analyze
