// lock-held-at-thread-exit and lock-held-at-process-exit: locks that nobody is left to release. File locks
// are the kernel's: it gives them back.
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "libsync/analyze/content.h"
#include "libsync/analyze/detectors/detectors.h"
#include "libsync/analyze/finding_builder.h"
#include "libsync/analyze/lookup.h"

namespace gordian::analyze {
namespace {

class HeldAtEndJudge {
 public:
  HeldAtEndJudge(const trace::Run& run, std::vector<Finding>* findings)
      : run_(run), content_(run), findings_(findings), groups_(findings) {}

  void Judge(Index process);

 private:
  void JudgeThread(Index thread);
  void JudgeProcessEnd();
  std::string Key(const char* rule, const trace::Holding& held) {
    return absl::StrCat(rule, "|", content_.LockClass(index_, held.lock), "|",
                        content_.Stack(index_, held.stack));
  }
  FindingBuilder Begin(const char* rule, Index thread, const trace::Holding& held);

  const trace::Run& run_;
  Content content_;
  std::vector<Finding>* findings_;
  FindingGroups groups_;
  const trace::Process* process_ = nullptr;
  Index index_ = kNoIndex;
};

FindingBuilder HeldAtEndJudge::Begin(const char* rule, Index thread, const trace::Holding& held) {
  FindingBuilder builder(rule, run_, index_);
  const int part = builder.AddThread(thread);
  builder.AddHeld(part, held);
  builder.AddIdentity(held.stack);
  return builder;
}

// A thread that the end of the process caught inside its critical section leaks nothing.
void HeldAtEndJudge::JudgeThread(Index index) {
  const trace::Thread& thread = process_->threads[static_cast<size_t>(index)];
  const bool after_the_end = process_->end_ns != 0 && thread.finish_ns >= process_->end_ns;
  if (!IsDead(thread) || after_the_end) {
    return;
  }
  for (const trace::Holding& held : thread.held) {
    const trace::Lock* lock = At(process_->locks, held.lock);
    if (lock == nullptr || !IsReportable(*lock) || IsFileLock(*lock) ||
        WasDestroyed(*process_, held.lock, thread.finish_ns) || (lock->flags & trace::kRobust) != 0 ||
        groups_.Again(Key("thread", held))) {
      continue;
    }
    FindingBuilder builder = Begin("lock-held-at-thread-exit", index, held);
    Finding& finding = builder.finding();
    const char* way = (thread.flags & trace::kCancelled) != 0 && (thread.flags & trace::kEndedByExit) != 0
                          ? "was cancelled"
                      : (thread.flags & trace::kEndedByExit) != 0 ? "called pthread_exit()"
                                                                  : "ended";
    finding.threads[0].role = "ended while holding it";
    finding.title = "{thread:0} ended while it held {lock:0}";
    const bool of_script = IsOfScript(*process_, held.stack);
    finding.level = of_script ? Level::kWarning : finding.level;
    finding.explanation =
        absl::StrCat("{thread:0} took {lock:0} and ", way,
                     " without releasing it. Whoever needs the lock from now on waits for ever",
                     of_script ? ", unless another thread releases it: in Python any may."
                               : ": only the thread that took it could release it, and that thread is gone.");
    finding.fix =
        "Release {lock:0} on every way out of the thread: early returns, pthread_exit() and cancellation "
        "too.{c++: A guard object (std::lock_guard, std::scoped_lock) covers them all, and exceptions.}";
    builder.AddStep(0, "lock", 0, held.stack);
    builder.AddStep(0, "ends", -1, kNoIndex);
    findings_->push_back(std::move(finding));
  }
}

void HeldAtEndJudge::JudgeProcessEnd() {
  const trace::Thread* thread = At(process_->threads, process_->end_thread);
  if (!EndedItself(*process_) || thread == nullptr || IsDead(*thread)) {
    return;
  }
  for (const trace::Holding& held : thread->held) {
    const trace::Lock* lock = At(process_->locks, held.lock);
    // A fork child may leave with what its parent held: the parent releases its own copy.
    const bool parents = lock != nullptr && (process_->flags & trace::kForkChild) != 0 &&
                         (lock->flags & trace::kInherited) != 0;
    // The next owner of a robust mutex is told that this one has ended: that is what it is for.
    const bool robust = lock != nullptr && (lock->flags & trace::kRobust) != 0;
    // The routine of a pthread_once that ends the process holds up nobody but who comes to it from an exit
    // handler.
    if (lock == nullptr || !IsReportable(*lock) || IsFileLock(*lock) || WasDestroyed(*process_, held.lock) ||
        parents || robust || lock->kind == trace::LockKind::kOnce ||
        groups_.Again(Key(EndWord(process_->end), held))) {
      continue;
    }
    FindingBuilder builder = Begin("lock-held-at-process-exit", process_->end_thread, held);
    Finding& finding = builder.finding();
    const char* call = EndWord(process_->end);
    finding.threads[0].role = "ended the process";
    finding.threads[0].at = builder.Stack(process_->end_stack);
    builder.AddIdentity(process_->end_stack);
    finding.title = "The process ended while {thread:0} held {lock:0}";
    finding.explanation =
        absl::StrCat("{thread:0} took {lock:0} and ended the process (", call, ") without releasing it. ",
                     process_->end == trace::End::kRawExit
                         ? "The kernel frees the memory, but what the lock protects may be left half done."
                         : "Exit handlers, destructors of static objects and threads that still run hang if "
                           "they need it.");
    finding.fix = absl::StrCat(
        "Release {lock:0} before the process ends: return from the locked scope first, then call ", call,
        ".");
    builder.AddStep(0, "lock", 0, held.stack);
    builder.AddStep(0, absl::StrCat("calls ", call), -1, process_->end_stack);
    findings_->push_back(std::move(finding));
  }
}

void HeldAtEndJudge::Judge(Index process) {
  index_ = process;
  process_ = &run_.processes[static_cast<size_t>(process)];
  for (size_t t = 0; t < process_->threads.size(); ++t) {
    JudgeThread(static_cast<Index>(t));
  }
  if (process_->ended) {
    JudgeProcessEnd();
  }
}

}  // namespace

void JudgeHeldAtEnd(const trace::Run& run, const Options& /*options*/, std::vector<Finding>* findings) {
  HeldAtEndJudge judge(run, findings);
  for (size_t p = 0; p < run.processes.size(); ++p) {
    if (IsOver(run, run.processes[p])) {
      judge.Judge(static_cast<Index>(p));
    }
  }
}

}  // namespace gordian::analyze
