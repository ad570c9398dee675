// condition-nested-wait: a thread waits on a condition while it holds a lock that everybody who signals the
// condition holds then: no signal can come until it gives the lock up, and that it does only after the
// signal. Judged when a process is over, because a later signal may come without the lock.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "libsync/analyze/content.h"
#include "libsync/analyze/detectors/detectors.h"
#include "libsync/analyze/finding_builder.h"
#include "libsync/analyze/happens_before.h"
#include "libsync/analyze/lookup.h"

namespace gordian::analyze {
namespace {

using trace::Dependency;

class ConditionsJudge {
 public:
  ConditionsJudge(const trace::Run& run, Index process, Content* content, FindingGroups* groups)
      : run_(run),
        process_(run.processes[static_cast<size_t>(process)]),
        index_(process),
        content_(*content),
        groups_(*groups) {}

  void Judge(std::vector<Finding>* findings);

 private:
  std::vector<const Dependency*> SignallersFor(const Dependency& waiter);
  const trace::Holding* NeededByAll(const Dependency& waiter,
                                    const std::vector<const Dependency*>& signallers) const;
  std::string Key(const Dependency& waiter, const trace::Holding& outer);
  Finding Build(const Dependency& waiter, const trace::Holding& outer,
                const std::vector<const Dependency*>& signallers) const;

  const trace::Run& run_;
  const trace::Process& process_;
  const Index index_;
  Content& content_;
  FindingGroups& groups_;
  absl::flat_hash_map<Index, std::vector<const Dependency*>> signals_;
};

// How the thread holds the lock, if that keeps out whoever wants it as `wanted`.
const trace::Holding* HoldingAgainst(const Dependency& dependency, const trace::Holding& wanted) {
  const auto found =
      std::find_if(dependency.held.begin(), dependency.held.end(), [&wanted](const trace::Holding& held) {
        return held.lock == wanted.lock && Conflict(held.mode, wanted.mode);
      });
  return found != dependency.held.end() ? &*found : nullptr;
}

// Everybody but the waiter itself; nobody where a signal was seen that needs no lock, or where other
// processes may signal.
std::vector<const Dependency*> ConditionsJudge::SignallersFor(const Dependency& waiter) {
  std::vector<const Dependency*> result;
  const trace::Lock* condition = At(process_.locks, waiter.lock);
  if (condition == nullptr || condition->interpreter || condition->shared.has_value() ||
      (condition->flags & trace::kSignalledFree) != 0) {
    return result;
  }
  for (const Dependency* signaller : signals_[waiter.lock]) {
    if (signaller->thread != waiter.thread) {
      result.push_back(signaller);
    }
  }
  return result;
}

const trace::Holding* ConditionsJudge::NeededByAll(const Dependency& waiter,
                                                   const std::vector<const Dependency*>& signallers) const {
  for (const trace::Holding& outer : waiter.held) {
    const trace::Lock* lock = At(process_.locks, outer.lock);
    if (lock != nullptr && IsReportable(*lock) &&
        std::all_of(signallers.begin(), signallers.end(), [&outer](const Dependency* signaller) {
          return HoldingAgainst(*signaller, outer) != nullptr;
        })) {
      return &outer;
    }
  }
  return nullptr;
}

std::string ConditionsJudge::Key(const Dependency& waiter, const trace::Holding& outer) {
  return absl::StrCat(content_.LockClass(index_, waiter.lock), "|", content_.LockClass(index_, outer.lock),
                      "|", content_.Stack(index_, waiter.stack), "|", content_.Stack(index_, outer.stack));
}

Finding ConditionsJudge::Build(const Dependency& waiter, const trace::Holding& outer,
                               const std::vector<const Dependency*>& signallers) const {
  FindingBuilder builder("condition-nested-wait", run_, index_);
  Finding& finding = builder.finding();
  const int waits = builder.AddThread(waiter.thread);
  const int signals = builder.AddThread(signallers.front()->thread);
  const int condition = builder.AddLock(waiter.lock);
  const int lock = builder.AddLock(outer.lock);
  builder.AddHeld(waits, outer);
  ThreadPart& waiting = finding.threads[static_cast<size_t>(waits)];
  waiting.waits.kind = trace::WaitKind::kCondition;
  waiting.waits.lock = condition;
  waiting.waits.stack = builder.Stack(waiter.stack);
  const trace::Holding& needed = *HoldingAgainst(*signallers.front(), outer);
  ThreadPart& signalling = finding.threads[static_cast<size_t>(signals)];
  signalling.role = "signals it";
  signalling.waits.kind = trace::WaitKind::kLock;
  signalling.waits.lock = lock;
  signalling.waits.stack = builder.Stack(needed.stack);
  signalling.at = builder.Stack(signallers.front()->stack);
  builder.AddStep(waits, "lock", lock, outer.stack);
  builder.AddStep(waits, "waits on", condition, waiter.stack);
  builder.AddStep(signals, "blocks on", lock, needed.stack);
  builder.AddIdentity(outer.stack);
  builder.AddIdentity(waiter.stack);
  finding.title = absl::StrCat(ThreadName(waits), " waits on ", LockName(condition), " while it holds ",
                               LockName(lock), ", which everybody who signals needs");
  finding.explanation = absl::StrCat(
      "The wait gives up the mutex that was passed to it, but not ", LockName(lock),
      ". Every other thread that was seen to signal ", LockName(condition), " (at ",
      Counted(signallers.size(), "place"), ") held ", LockName(lock), " when it did: it waits for ",
      ThreadName(waits), " to release it, and ", ThreadName(waits), " waits for the signal.");
  finding.fix = absl::StrCat("Release ", LockName(lock), " before waiting, or signal ", LockName(condition),
                             " without it.");
  builder.AddCondition("every-signaller",
                       absl::StrCat("no signal was seen from a thread without ", LockName(lock)));
  builder.AddCondition("untimed", "the wait has no timeout");
  return std::move(finding);
}

void ConditionsJudge::Judge(std::vector<Finding>* findings) {
  std::vector<const Dependency*> waiters;
  for (const Dependency& dependency : process_.dependencies) {
    if ((dependency.flags & trace::kSignals) != 0) {
      signals_[dependency.lock].push_back(&dependency);
    } else if ((dependency.flags & trace::kAwaits) != 0) {
      waiters.push_back(&dependency);
    }
  }
  if (waiters.empty() || signals_.empty()) {
    return;
  }
  HappensBefore order(process_);
  for (const Dependency* waiter : waiters) {
    const std::vector<const Dependency*> signallers = SignallersFor(*waiter);
    const bool any_then = std::any_of(signallers.begin(), signallers.end(), [&](const Dependency* signaller) {
      return order.MayOverlap(*waiter, *signaller);
    });
    const trace::Holding* outer = any_then ? NeededByAll(*waiter, signallers) : nullptr;
    if (outer != nullptr && At(process_.threads, waiter->thread) != nullptr &&
        At(process_.threads, signallers.front()->thread) != nullptr && !groups_.Again(Key(*waiter, *outer))) {
      findings->push_back(Build(*waiter, *outer, signallers));
    }
  }
}

}  // namespace

void JudgeConditions(const trace::Run& run, const Options& /*options*/, std::vector<Finding>* findings) {
  Content content(run);
  FindingGroups groups(findings);
  for (size_t p = 0; p < run.processes.size(); ++p) {
    if (IsOver(run, run.processes[p])) {
      ConditionsJudge(run, static_cast<Index>(p), &content, &groups).Judge(findings);
    }
  }
}

}  // namespace gordian::analyze
