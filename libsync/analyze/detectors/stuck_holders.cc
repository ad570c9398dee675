// stuck-holder: a lock is waited for, and who has it does not get on.
#include "libsync/analyze/stuck_holders.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "libsync/analyze/detectors/detectors.h"
#include "libsync/analyze/finding_builder.h"
#include "libsync/analyze/lookup.h"

namespace gordian::analyze {
namespace {

const trace::Process& ProcessOf(const trace::Run& run, const ThreadRef& ref) {
  return run.processes[static_cast<size_t>(ref.process)];
}

const trace::Thread& ThreadAt(const trace::Run& run, const ThreadRef& ref) {
  return ProcessOf(run, ref).threads[static_cast<size_t>(ref.thread)];
}

// With what it holds and what it is in.
int AddThreadAt(const trace::Run& run, const ThreadRef& ref, FindingBuilder* builder) {
  const trace::Thread& thread = ThreadAt(run, ref);
  const int part = builder->In(ref.process).AddThread(ref.thread);
  WaitPart waits;
  waits.kind = thread.wait.kind;
  const Index lock = AwaitedLock(thread.wait);
  waits.lock = builder->AddLock(lock != trace::kNoIndex ? lock : thread.wait.lock);
  waits.note = waits.lock < 0 ? thread.wait.note : "";
  waits.stack = builder->Stack(thread.wait.stack);
  for (const trace::Holding& held : thread.held) {
    builder->AddHeld(part, held);
  }
  builder->AddIdentity(thread.wait.stack);
  builder->finding().threads[static_cast<size_t>(part)].waits = std::move(waits);
  return part;
}

void TellPoller(const trace::Run& run, const ThreadRef& ref, const std::string& lock,
                FindingBuilder* builder) {
  const int holder = AddThreadAt(run, ref, builder);
  Finding& finding = builder->finding();
  finding.threads[static_cast<size_t>(holder)].role = "polls";
  finding.title = absl::StrCat("{thread:0} waits for ", lock, ", which ", ThreadName(holder),
                               " holds while it polls at one place");
  finding.explanation = absl::StrCat(
      ThreadName(holder), " waits with a timeout, again and again, at one place, and keeps ", lock,
      " from {thread:0} all the while. What it polls for may come, so this is no certain deadlock; if it can "
      "only come from who needs ",
      lock, ", it never does.");
  finding.fix = absl::StrCat("Release ", lock, " before polling, or end the loop after a number of tries.");
}

void TellInherited(const trace::Wait& wait, const std::string& lock, Finding* finding) {
  finding->title = absl::StrCat("{thread:0} waits for ", lock, ", which a child of its owner has kept");
  finding->explanation =
      absl::StrCat(lock, " is held by ", wait.held_by,
                   ". A lock of flock() belongs to the open file, which a child shares with its parent: it "
                   "is given back when the last of them has closed the file.");
  finding->fix =
      "Open the file with O_CLOEXEC, close it in the child, or release the lock with flock(LOCK_UN) before "
      "ending: that ends it for all who share the open file.";
}

}  // namespace

void JudgeStuckHolders(const trace::Run& run, std::vector<Finding>* findings) {
  FindingGroups groups(findings);
  for (const StuckHolder& stuck : FindStuckHolders(run)) {
    const trace::Wait& wait = ThreadAt(run, stuck.waiter).wait;
    const bool polls = stuck.holder.thread != trace::kNoIndex;
    FindingBuilder builder("stuck-holder", run, stuck.waiter.process);
    AddThreadAt(run, stuck.waiter, &builder);
    const std::string lock = LockName(builder.In(stuck.waiter.process).AddLock(AwaitedLock(wait)));
    if (polls) {
      TellPoller(run, stuck.holder, lock, &builder);
    } else {
      TellInherited(wait, lock, &builder.finding());
    }
    builder.AddCondition("does-not-get-on", polls
                                                ? "several looks, a second apart, found it at the same place"
                                                : "nobody who took the lock is left to release it");
    const std::string key = absl::StrCat(stuck.holder.process, "/", stuck.holder.thread, "/", wait.held_by);
    if (!groups.Again(key)) {
      findings->push_back(std::move(builder.finding()));
    }
  }
}

}  // namespace gordian::analyze
