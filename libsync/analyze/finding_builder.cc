#include "libsync/analyze/finding_builder.h"

#include <cstring>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "libsync/analyze/detector.h"
#include "libsync/analyze/lookup.h"

namespace gordian::analyze {
namespace {

const trace::Process& ProcessOrNone(const trace::Run& run, Index process) {
  static const trace::Process* const none = new trace::Process;
  const trace::Process* found = At(run.processes, process);
  return found != nullptr ? *found : *none;
}

}  // namespace

FindingBuilder::FindingBuilder(const char* rule, const trace::Run& run, Index process)
    : run_(run), process_(&ProcessOrNone(run, process)), process_index_(process) {
  finding_.rule = &RuleById(rule);
  finding_.level = finding_.rule->level;
  finding_.confidence = finding_.rule->confidence;
}

FindingBuilder& FindingBuilder::In(Index process) {
  process_ = &ProcessOrNone(run_, process);
  process_index_ = process;
  return *this;
}

int FindingBuilder::AddProcess() {
  for (size_t p = 0; p < finding_.processes.size(); ++p) {
    if (finding_.processes[p].pid == process_->pid) {
      return static_cast<int>(p);
    }
  }
  ProcessPart part;
  part.pid = process_->pid;
  part.ppid = process_->ppid;
  part.command = CommandOf(*process_);
  finding_.processes.push_back(std::move(part));
  return static_cast<int>(finding_.processes.size()) - 1;
}

// The record of the object that says most of it.
LockPart FindingBuilder::BestRecord(Index lock) const {
  LockPart best{process_index_, lock};
  const trace::Lock& own = process_->locks[static_cast<size_t>(lock)];
  const auto says = [](const trace::Lock& record) {
    return std::tuple(!record.name.empty(), record.place.module != kNoIndex, record.create_stack != kNoIndex,
                      record.first_stack != kNoIndex);
  };
  auto most = says(own);
  for (size_t p = 0; own.shared.has_value() && p < run_.processes.size(); ++p) {
    const std::vector<trace::Lock>& locks = run_.processes[p].locks;
    for (size_t l = 0; l < locks.size(); ++l) {
      if (IsSameObject(own, locks[l]) && says(locks[l]) > most) {
        best = {static_cast<Index>(p), static_cast<Index>(l)};
        most = says(locks[l]);
      }
    }
  }
  return best;
}

int FindingBuilder::AddLock(Index lock) {
  const trace::Lock* added = At(process_->locks, lock);
  if (added == nullptr) {
    return -1;
  }
  for (size_t l = 0; l < finding_.locks.size(); ++l) {
    const LockPart& part = finding_.locks[l];
    const trace::Process& process = run_.processes[static_cast<size_t>(part.process)];
    if ((part.lock == lock && part.process == process_index_) ||
        IsSameObject(*added, process.locks[static_cast<size_t>(part.lock)])) {
      return static_cast<int>(l);
    }
  }
  finding_.locks.push_back(BestRecord(lock));
  return static_cast<int>(finding_.locks.size()) - 1;
}

int FindingBuilder::AddThread(Index thread) {
  const trace::Thread* found = At(process_->threads, thread);
  if (found == nullptr) {
    return -1;
  }
  for (size_t t = 0; t < finding_.threads.size(); ++t) {
    if (finding_.threads[t].thread == thread && finding_.threads[t].process == process_index_) {
      return static_cast<int>(t);
    }
  }
  ThreadPart part;
  part.process = process_index_;
  part.thread = thread;
  part.created = Stack(found->create_stack);
  finding_.threads.push_back(std::move(part));
  return static_cast<int>(finding_.threads.size()) - 1;
}

void FindingBuilder::AddHeld(int thread, const trace::Holding& held) {
  const int lock = AddLock(held.lock);
  if (thread >= 0 && lock >= 0) {
    finding_.threads[static_cast<size_t>(thread)].holds.push_back({lock, held.mode, Stack(held.stack)});
  }
}

void FindingBuilder::AddStep(int thread, std::string action, int lock, Index stack) {
  finding_.interleaving.push_back({thread, std::move(action), lock, Stack(stack)});
}

void FindingBuilder::AddCondition(const char* name, std::string because) {
  finding_.conditions.push_back({name, true, std::move(because)});
}

void FindingBuilder::AddIdentity(Index stack) {
  if (At(process_->stacks, stack) != nullptr) {
    finding_.identity.push_back({process_index_, stack});
  }
}

StackAt FindingBuilder::Stack(Index stack) const {
  return At(process_->stacks, stack) != nullptr ? StackAt{process_index_, stack} : StackAt{};
}

Finding* FindingGroups::Known(const std::string& key) {
  const auto [found, is_new] = known_.try_emplace(key, findings_->size());
  if (is_new) {
    return nullptr;
  }
  Finding* finding = &(*findings_)[found->second];
  ++finding->count;
  return finding;
}

std::string LockName(int lock) { return absl::StrCat("{lock:", lock, "}"); }
std::string ThreadName(int thread) { return absl::StrCat("{thread:", thread, "}"); }
std::string ProcessName(int process) { return absl::StrCat("{process:", process, "}"); }

const char* KindWord(trace::LockKind kind) {
  switch (kind) {
    case trace::LockKind::kMutex:
    case trace::LockKind::kRecursiveMutex:
    case trace::LockKind::kErrorcheckMutex:
    case trace::LockKind::kAdaptiveMutex:
      return "mutex";
    case trace::LockKind::kCondition:
      return "condition variable";
    case trace::LockKind::kRwlock:
    case trace::LockKind::kWriterRwlock:
      return "read-write lock";
    case trace::LockKind::kSpinlock:
      return "spinlock";
    case trace::LockKind::kSemaphore:
      return "semaphore";
    case trace::LockKind::kNamedSemaphore:
      return "named semaphore";
    case trace::LockKind::kSystemVSemaphore:
      return "System V semaphore";
    case trace::LockKind::kFlock:
    case trace::LockKind::kPosixFileLock:
    case trace::LockKind::kOpenFileLock:
      return "file lock";
    case trace::LockKind::kStream:
      return "stream lock";
    case trace::LockKind::kBarrier:
      return "barrier";
    case trace::LockKind::kOnce:
      return "once flag";
    case trace::LockKind::kFutexWord:
      return "futex word";
    case trace::LockKind::kChannel:
      return "channel";
    case trace::LockKind::kUnknown:
      break;
  }
  return "lock";
}

const char* TakeWord(trace::Mode mode) { return mode == trace::Mode::kShared ? "lock shared" : "lock"; }

const char* HowWord(trace::ChildHow how) {
  switch (how) {
    case trace::ChildHow::kFork:
      return "fork()";
    case trace::ChildHow::kRawFork:
      return "_Fork()";
    case trace::ChildHow::kVfork:
      return "vfork()";
    case trace::ChildHow::kSpawn:
      return "posix_spawn()";
    case trace::ChildHow::kSystem:
      return "system()";
    case trace::ChildHow::kPopen:
      return "popen()";
    case trace::ChildHow::kDaemon:
      return "daemon()";
  }
  return "fork()";
}

const char* EndWord(trace::End end) {
  switch (end) {
    case trace::End::kExit:
      return "exit()";
    case trace::End::kQuickExit:
      return "quick_exit()";
    case trace::End::kRawExit:
      return "_exit()";
    case trace::End::kAbort:
      return "abort()";
    case trace::End::kExec:
      return "exec()";
    case trace::End::kNone:
      break;
  }
  return "";
}

std::string Milliseconds(uint64_t ms) {
  return ms < 10'000 ? absl::StrCat(ms, " ms") : absl::StrCat(ms / 1000, ".", ms % 1000 / 100, " s");
}

std::string CommandOf(const trace::Process& process) {
  return process.command.empty() ? process.executable : absl::StrJoin(process.command, " ");
}

std::string Counted(uint64_t count, const char* word) {
  return absl::StrCat(count, " ", word, count == 1 ? "" : "s");
}

std::string SignalNames(uint64_t signals) {
  std::string names;
  for (int signal = 1; signal <= 64; ++signal) {
    if ((signals >> (signal - 1) & 1) != 0) {
      const char* name = sigabbrev_np(signal);
      absl::StrAppend(&names, names.empty() ? "" : " or ",
                      name != nullptr ? absl::StrCat("SIG", name) : absl::StrCat("signal ", signal));
    }
  }
  return names;
}

size_t SmallestRotation(const std::vector<std::string>& items) {
  const size_t count = items.size();
  size_t best = 0;
  for (size_t candidate = 1; candidate < count; ++candidate) {
    for (size_t i = 0; i < count; ++i) {
      const int order = items[(candidate + i) % count].compare(items[(best + i) % count]);
      if (order != 0) {
        best = order < 0 ? candidate : best;
        break;
      }
    }
  }
  return best;
}

}  // namespace gordian::analyze
