// thread-unjoined and thread-running-at-exit: joinable threads that nobody waited for.
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "libsync/analyze/content.h"
#include "libsync/analyze/detectors/detectors.h"
#include "libsync/analyze/finding_builder.h"
#include "libsync/analyze/lookup.h"

namespace gordian::analyze {
namespace {

constexpr uint32_t kNotJoinable = trace::kMainThread | trace::kDetached | trace::kJoined | trace::kAdopted;

class ThreadsJudge {
 public:
  ThreadsJudge(const trace::Run& run, std::vector<Finding>* findings)
      : run_(run), content_(run), findings_(findings), groups_(findings) {}

  void Judge(Index process);

 private:
  bool IsJoinable(Index index) const;
  void Unjoined(Index index);
  void StillRunning(Index index);
  static std::string WhatItDoes(FindingBuilder* builder, const trace::Wait& wait);

  const trace::Run& run_;
  Content content_;
  std::vector<Finding>* findings_;
  FindingGroups groups_;
  const trace::Process* process_ = nullptr;
  Index index_ = kNoIndex;
};

// A thread that was there before the shim may have been detached before it too.
bool ThreadsJudge::IsJoinable(Index index) const {
  const trace::Thread& thread = process_->threads[static_cast<size_t>(index)];
  return (thread.flags & kNotJoinable) == 0 && thread.joiner == kNoIndex;
}

void ThreadsJudge::Unjoined(Index index) {
  const trace::Thread& thread = process_->threads[static_cast<size_t>(index)];
  if (groups_.Again(absl::StrCat("unjoined|", content_.Stack(index_, thread.create_stack)))) {
    return;
  }
  FindingBuilder builder("thread-unjoined", run_, index_);
  builder.AddThread(index);
  builder.AddIdentity(thread.create_stack);
  Finding& finding = builder.finding();
  finding.threads[0].role = "never joined";
  finding.title = "{thread:0} finished and was never joined or detached";
  finding.explanation =
      "The thread is joinable and has ended, but nobody called pthread_join() or pthread_detach() for it "
      "before the "
      "process ended. Its stack and its record stay allocated, and a program that starts such threads again "
      "and again "
      "runs out of both.";
  finding.fix = "Join {thread:0}, or detach it if nobody needs its result. std::jthread joins by itself.";
  findings_->push_back(std::move(finding));
}

std::string ThreadsJudge::WhatItDoes(FindingBuilder* builder, const trace::Wait& wait) {
  switch (wait.kind) {
    case trace::WaitKind::kLock:
      return absl::StrCat("It waits for ", LockName(builder->AddLock(wait.lock)), ".");
    case trace::WaitKind::kCondition:
      return absl::StrCat("It waits on ", LockName(builder->AddLock(wait.lock)), ".");
    case trace::WaitKind::kJoin:
      return absl::StrCat("It joins ", ThreadName(builder->AddThread(wait.thread)), ".");
    case trace::WaitKind::kProcess:
      return "It waits for a child process.";
    case trace::WaitKind::kBarrier:
      return absl::StrCat("It waits at ", LockName(builder->AddLock(wait.lock)), ".");
    case trace::WaitKind::kFutex:
      return "It waits in a futex call of its own.";
    case trace::WaitKind::kSleep:
      return "It sleeps.";
    case trace::WaitKind::kCall:
    case trace::WaitKind::kNone:
      break;
  }
  return "It does not wait for any lock, condition, thread or child.";
}

void ThreadsJudge::StillRunning(Index index) {
  const trace::Thread& thread = process_->threads[static_cast<size_t>(index)];
  if (groups_.Again(absl::StrCat("running|", content_.Stack(index_, thread.create_stack)))) {
    return;
  }
  FindingBuilder builder("thread-running-at-exit", run_, index_);
  builder.AddThread(index);
  builder.AddIdentity(thread.create_stack);
  const bool waits_for_known = At(process_->locks, thread.wait.lock) != nullptr ||
                               At(process_->threads, thread.wait.thread) != nullptr ||
                               thread.wait.kind == trace::WaitKind::kProcess;
  const std::string doing = WhatItDoes(&builder, waits_for_known ? thread.wait : trace::Wait{});
  // Parts first: adding one moves the others.
  const int lock = builder.AddLock(thread.wait.lock);
  const int joined = builder.AddThread(thread.wait.thread);
  Finding& finding = builder.finding();
  finding.threads[0].role = "still running";
  if (waits_for_known) {
    finding.threads[0].waits = {
        thread.wait.kind, lock, joined, -1, thread.wait.timed, builder.Stack(thread.wait.stack), ""};
  }
  finding.title = "{thread:0} still ran when the program ended";
  finding.explanation =
      absl::StrCat("main returned or called exit() while this joinable thread was running. ", doing,
                   " While the program is torn down it can still touch objects that are already destroyed.");
  finding.fix =
      "Tell {thread:0} to stop and join it before main returns, or detach it if it may be cut off anywhere.";
  findings_->push_back(std::move(finding));
}

void ThreadsJudge::Judge(Index process) {
  index_ = process;
  process_ = &run_.processes[static_cast<size_t>(process)];
  for (size_t t = 0; t < process_->threads.size(); ++t) {
    const auto thread = static_cast<Index>(t);
    if (!IsJoinable(thread)) {
      continue;
    }
    if (IsDead(process_->threads[t])) {
      Unjoined(thread);
    } else if (process_->end == trace::End::kExit && thread != process_->end_thread) {
      StillRunning(thread);
    }
  }
}

}  // namespace

void JudgeThreads(const trace::Run& run, const Options& /*options*/, std::vector<Finding>* findings) {
  ThreadsJudge judge(run, findings);
  for (size_t p = 0; p < run.processes.size(); ++p) {
    if (run.processes[p].ended && EndedItself(run.processes[p])) {
      judge.Judge(static_cast<Index>(p));
    }
  }
}

}  // namespace gordian::analyze
