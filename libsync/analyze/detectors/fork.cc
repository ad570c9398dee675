// fork-while-locked: a child that goes on without exec has copies of locks that no thread of it can release.
#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "libsync/analyze/content.h"
#include "libsync/analyze/detectors/detectors.h"
#include "libsync/analyze/finding_builder.h"
#include "libsync/analyze/lookup.h"

namespace gordian::analyze {
namespace {

constexpr size_t kMaxShown = 8;

// Held by another thread at the fork, and copied with the memory. A process-shared lock is not copied, nor is
// one on a file.
std::vector<trace::Holding> Copied(const trace::Process& process, const trace::Child& child) {
  std::vector<trace::Holding> result;
  for (const trace::Holding& held : child.others_held) {
    const trace::Lock* lock = At(process.locks, held.lock);
    if (lock != nullptr && IsReportable(*lock) && !IsFileLock(*lock) &&
        (lock->flags & trace::kProcessShared) == 0) {
      result.push_back(held);
    }
  }
  return result;
}

// The child may still call exec as long as it lives.
bool NeverExecd(const trace::Run& run, const trace::Child& child) {
  const bool over = run.over || (child.flags & (trace::kReaped | trace::kChildExited)) != 0;
  return over && (child.flags & (trace::kExecd | trace::kCreateFailed)) == 0;
}

bool CopiesMemory(trace::ChildHow how) {
  return how == trace::ChildHow::kFork || how == trace::ChildHow::kRawFork || how == trace::ChildHow::kDaemon;
}

Finding Build(const trace::Run& run, Index process, const trace::Child& child,
              const std::vector<trace::Holding>& copied) {
  FindingBuilder builder("fork-while-locked", run, process);
  Finding& finding = builder.finding();
  const int forker = builder.AddThread(child.thread);
  if (forker >= 0) {
    finding.threads[static_cast<size_t>(forker)].role = "forked";
    finding.threads[static_cast<size_t>(forker)].at = builder.Stack(child.stack);
  }
  builder.AddIdentity(child.stack);
  for (size_t h = 0; h < copied.size() && h < kMaxShown; ++h) {
    const int holder = builder.AddThread(copied[h].thread);
    if (holder >= 0) {
      finding.threads[static_cast<size_t>(holder)].role = "held a lock then";
    }
    builder.AddHeld(holder, copied[h]);
    builder.AddLock(copied[h].lock);
    builder.AddStep(holder, "lock", builder.AddLock(copied[h].lock), copied[h].stack);
  }
  builder.AddStep(forker, HowWord(child.how), -1, child.stack);

  const Index holder = copied.front().thread;
  const std::string who =
      builder.AddThread(holder) >= 0 ? ThreadName(builder.AddThread(holder)) : "another thread";
  const std::string more =
      copied.size() > 1
          ? absl::StrCat(" (and ", Counted(copied.size() - 1, "other lock"), " of other threads)")
          : "";
  finding.title = absl::StrCat(HowWord(child.how), " while ", who, " held {lock:0}");
  finding.explanation =
      absl::StrCat("The child is a copy of the process with only the forking thread in it. {lock:0}", more,
                   " was locked at that moment, so it stays locked in the child for ever, and what it "
                   "protects may be half changed. "
                   "The child did not call exec, so any code in it that needs the lock hangs.");
  finding.fix =
      "Call exec in the child at once (or use posix_spawn), or fork before the first thread starts, or take "
      "{lock:0} "
      "before the fork and release it on both sides in pthread_atfork() handlers. In Python use the "
      "\"spawn\" or "
      "\"forkserver\" start method of multiprocessing.";
  return std::move(finding);
}

}  // namespace

void JudgeFork(const trace::Run& run, const Options& /*options*/, std::vector<Finding>* findings) {
  Content content(run);
  FindingGroups groups(findings);
  for (size_t p = 0; p < run.processes.size(); ++p) {
    const auto process = static_cast<Index>(p);
    for (const trace::Child& child : run.processes[p].children) {
      if (child.others_held.empty() || !CopiesMemory(child.how) || !NeverExecd(run, child)) {
        continue;
      }
      const std::vector<trace::Holding> copied = Copied(run.processes[p], child);
      if (!copied.empty() && !groups.Again(content.Stack(process, child.stack))) {
        findings->push_back(Build(run, process, child, copied));
      }
    }
  }
}

}  // namespace gordian::analyze
