// lock-in-signal-handler: a handler takes a lock that the code which it interrupts can hold. The thread then
// waits for itself. An error where one and the same thread was seen on both sides: a signal may be sent to
// one thread alone, and then others never run its handler.
#include <signal.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "libsync/analyze/content.h"
#include "libsync/analyze/detectors/detectors.h"
#include "libsync/analyze/finding_builder.h"
#include "libsync/analyze/lookup.h"
#include "libsync/analyze/wait_for_graph.h"

namespace gordian::analyze {
namespace {

using trace::Dependency;
using trace::LockKind;
using trace::Mode;

// An acquisition of a lock that its holder itself cannot take again.
bool IsCandidate(const trace::Process& process, const Dependency& dependency) {
  constexpr uint32_t other_situations =
      trace::kFolded | trace::kAwaitsThread | trace::kAwaitsChild | trace::kSignals | trace::kAwaits;
  const trace::Lock* lock = At(process.locks, dependency.lock);
  if (dependency.signals == 0 || (dependency.flags & other_situations) != 0 || lock == nullptr ||
      !IsReportable(*lock) || IsFileLock(*lock) || At(process.threads, dependency.thread) == nullptr) {
    return false;
  }
  return lock->kind != LockKind::kRecursiveMutex && lock->kind != LockKind::kErrorcheckMutex &&
         lock->kind != LockKind::kStream;
}

// Whether the handler waits. A read-write lock answers its own writer, and lets readers in again.
bool Hangs(const trace::Lock& lock, Mode outside, Mode inside) {
  const bool is_rwlock = lock.kind == LockKind::kRwlock || lock.kind == LockKind::kWriterRwlock;
  return !is_rwlock || (outside == Mode::kShared && inside == Mode::kExclusive);
}

class SignalJudge {
 public:
  SignalJudge(const trace::Run& run, std::vector<Finding>* findings)
      : run_(run), content_(run), findings_(findings), groups_(findings) {}

  void Judge(Index process);

 private:
  const Dependency* OutsideOf(const Dependency& inside) const;
  Finding Build(const Dependency& inside, const Dependency& outside) const;

  const trace::Run& run_;
  Content content_;
  std::vector<Finding>* findings_;
  FindingGroups groups_;
  const trace::Process* process_ = nullptr;
  Index index_ = kNoIndex;
  absl::flat_hash_map<Index, std::vector<const Dependency*>> outside_;
};

// An acquisition that the handler can follow on; by the handler's own thread if there is one.
const Dependency* SignalJudge::OutsideOf(const Dependency& inside) const {
  const auto found = outside_.find(inside.lock);
  if (found == outside_.end()) {
    return nullptr;
  }
  const trace::Lock& lock = process_->locks[static_cast<size_t>(inside.lock)];
  const Dependency* best = nullptr;
  for (const Dependency* outside : found->second) {
    if ((outside->signals & inside.signals) != inside.signals || !Hangs(lock, outside->mode, inside.mode)) {
      continue;
    }
    if (outside->thread == inside.thread) {
      return outside;
    }
    best = best == nullptr ? outside : best;
  }
  return best;
}

Finding SignalJudge::Build(const Dependency& inside, const Dependency& outside) const {
  FindingBuilder builder("lock-in-signal-handler", run_, index_);
  Finding& finding = builder.finding();
  const bool is_same = inside.thread == outside.thread;
  const int holder = builder.AddThread(outside.thread);
  const int lock = builder.AddLock(inside.lock);
  const std::string signals = SignalNames(inside.signals);
  trace::Holding held;
  held.lock = outside.lock;
  held.stack = outside.stack;
  held.mode = outside.mode;
  builder.AddHeld(holder, held);
  builder.AddStep(holder, "lock", lock, outside.stack);
  builder.AddStep(holder, absl::StrCat("is interrupted by ", signals), -1, kNoIndex);
  builder.AddStep(holder, "blocks on", lock, inside.stack);
  WaitPart& waits = finding.threads[static_cast<size_t>(holder)].waits;
  waits.kind = trace::WaitKind::kLock;
  waits.lock = lock;
  waits.stack = builder.Stack(inside.stack);
  builder.AddIdentity(outside.stack);
  builder.AddIdentity(inside.stack);
  finding.title = absl::StrCat("The handler of ", signals, " takes ", LockName(lock),
                               ", which the code that it interrupts can hold");
  finding.explanation =
      absl::StrCat("A handler runs in the middle of whatever its thread does. ", ThreadName(holder),
                   " holds ", LockName(lock), " with ", signals,
                   " neither blocked nor ignored: if the signal comes at that moment, the handler waits for "
                   "the very code that waits for the handler to return.");
  finding.fix = absl::StrCat(
      "Set a flag or write to a pipe in the handler and do the work outside of it, or "
      "block ",
      signals, " with pthread_sigmask() while ", LockName(lock), " is held.");
  builder.AddCondition("unblocked", absl::StrCat(signals, " had a handler and was not blocked when ",
                                                 LockName(lock), " was taken outside"));
  if (is_same) {
    builder.AddCondition("same-thread", absl::StrCat(ThreadName(holder), " did both"));
  } else {
    const int other = builder.AddThread(inside.thread);
    finding.level = Level::kWarning;
    finding.threads[static_cast<size_t>(other)].role = "ran the handler";
    finding.threads[static_cast<size_t>(other)].at = builder.Stack(inside.stack);
    absl::StrAppend(
        &finding.explanation, " The handler was seen in ", ThreadName(other),
        ", so this is a warning: it is no danger if the signal is only ever sent to that thread.");
  }
  return std::move(finding);
}

void SignalJudge::Judge(Index process) {
  process_ = &run_.processes[static_cast<size_t>(process)];
  index_ = process;
  outside_.clear();
  std::vector<const Dependency*> inside;
  for (const Dependency& dependency : process_->dependencies) {
    if (!IsCandidate(*process_, dependency)) {
      continue;
    }
    if ((dependency.flags & trace::kInHandler) != 0) {
      inside.push_back(&dependency);
    } else {
      outside_[dependency.lock].push_back(&dependency);
    }
  }
  if (inside.empty()) {
    return;
  }
  absl::flat_hash_set<Index> hung;  // the hang itself is reported as what it is
  for (const Stall& stall : FindStalls(run_, {index_})) {
    for (const ThreadRef& ref : stall.threads) {
      hung.insert(AwaitedLock(process_->threads[static_cast<size_t>(ref.thread)].wait));
    }
  }
  for (const Dependency* dependency : inside) {
    const Dependency* outside = hung.contains(dependency->lock) ? nullptr : OutsideOf(*dependency);
    if (outside != nullptr &&
        !groups_.Again(absl::StrCat(content_.LockClass(index_, dependency->lock), "|",
                                    dependency->thread == outside->thread ? "same" : "other", "|",
                                    dependency->signals))) {
      findings_->push_back(Build(*dependency, *outside));
    }
  }
}

}  // namespace

void JudgeSignals(const trace::Run& run, const Options& /*options*/, std::vector<Finding>* findings) {
  SignalJudge judge(run, findings);
  for (size_t p = 0; p < run.processes.size(); ++p) {
    judge.Judge(static_cast<Index>(p));
  }
}

}  // namespace gordian::analyze
