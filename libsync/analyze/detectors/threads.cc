// thread-unjoined and thread-running-at-exit: joinable threads that nobody waited for. Whether a thread was
// quicker than the exit of its process is luck, and decides nothing.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "libsync/analyze/content.h"
#include "libsync/analyze/detectors/detectors.h"
#include "libsync/analyze/finding_builder.h"
#include "libsync/analyze/lookup.h"

namespace gordian::analyze {
namespace {

constexpr uint32_t kNotJoinable = trace::kMainThread | trace::kDetached | trace::kJoined | trace::kAdopted;
// A process that goes on for so long with a finished thread has left it behind. One that ends sooner may have
// met the thread's end or not, as it happens: that must not decide what is said.
constexpr uint64_t kLeftBehindNs = 200'000'000;

struct Where {
  Index process = kNoIndex;
  Index thread = kNoIndex;
};

// Threads that were created at one place and never joined or detached.
struct Place {
  std::vector<Where> threads;
  std::optional<Where> left_behind;
  std::optional<Where> idle;
};

class ThreadsJudge {
 public:
  ThreadsJudge(const trace::Run& run, std::vector<Finding>* findings)
      : run_(run), content_(run), findings_(findings) {}

  void Collect(Index process);
  void Judge();

 private:
  const trace::Thread& ThreadAt(const Where& where) const {
    return run_.processes[static_cast<size_t>(where.process)].threads[static_cast<size_t>(where.thread)];
  }
  void Add(const Where& where);
  Where Named(const Place& place) const;
  Finding Unjoined(const Where& where, bool left_behind) const;
  Finding Idle(const Where& where) const;
  static std::string WhatItDoes(FindingBuilder* builder, const trace::Wait& wait);

  const trace::Run& run_;
  Content content_;
  std::vector<Finding>* findings_;
  absl::flat_hash_map<std::string, size_t> known_;
  std::vector<Place> places_;
};

// A thread that was there before the shim may have been detached before it too.
bool IsJoinable(const trace::Thread& thread) {
  return (thread.flags & kNotJoinable) == 0 && thread.joiner == kNoIndex;
}

bool IsLeftBehind(const trace::Process& process, const trace::Thread& thread) {
  return IsDead(thread) && thread.finish_ns != 0 && process.end_ns >= thread.finish_ns + kLeftBehindNs;
}

// It waits for what others do. The kernel said so last: a published wait may have been ended already.
bool IsIdle(const trace::Thread& thread) {
  return !IsDead(thread) && (thread.flags & trace::kIdleAtEnd) != 0;
}

void ThreadsJudge::Add(const Where& where) {
  const trace::Thread& thread = ThreadAt(where);
  const std::string key = content_.Stack(where.process, thread.create_stack);
  const auto [found, is_new] = known_.try_emplace(key, places_.size());
  if (is_new) {
    places_.emplace_back();
  }
  Place& place = places_[found->second];
  place.threads.push_back(where);
  if (!place.left_behind && IsLeftBehind(run_.processes[static_cast<size_t>(where.process)], thread)) {
    place.left_behind = where;
  }
  if (!place.idle && IsIdle(thread)) {
    place.idle = where;
  }
}

// Only exit() and a return from main let threads come to harm; who calls _exit() or quick_exit() cuts them
// off on purpose.
void ThreadsJudge::Collect(Index process_index) {
  const trace::Process& process = run_.processes[static_cast<size_t>(process_index)];
  for (size_t t = 0; t < process.threads.size(); ++t) {
    const auto thread = static_cast<Index>(t);
    if (IsJoinable(process.threads[t]) && thread != process.end_thread &&
        (process.end == trace::End::kExit || IsLeftBehind(process, process.threads[t]))) {
      Add({process_index, thread});
    }
  }
}

// One that began, if there is one: the others have no number yet.
Where ThreadsJudge::Named(const Place& place) const {
  const auto began = std::find_if(place.threads.begin(), place.threads.end(),
                                  [this](const Where& where) { return ThreadAt(where).tid != 0; });
  return began != place.threads.end() ? *began : place.threads.front();
}

// One verdict for all threads of a place, and the same one whichever of them was quicker than the exit.
void ThreadsJudge::Judge() {
  for (const Place& place : places_) {
    Finding finding = place.left_behind ? Unjoined(*place.left_behind, true)
                      : place.idle      ? Idle(*place.idle)
                                        : Unjoined(Named(place), false);
    finding.count = place.threads.size();
    findings_->push_back(std::move(finding));
  }
}

Finding ThreadsJudge::Unjoined(const Where& where, bool left_behind) const {
  FindingBuilder builder("thread-unjoined", run_, where.process);
  builder.AddThread(where.thread);
  builder.AddIdentity(ThreadAt(where).create_stack);
  Finding& finding = builder.finding();
  finding.threads[0].role = "never joined";
  finding.fix =
      "Join {thread:0}, or detach it if nobody needs its result.{c++: std::jthread joins by itself.}";
  if (left_behind) {
    finding.title = "{thread:0} finished and was never joined or detached";
    finding.explanation =
        "The thread is joinable and has ended, but nobody called pthread_join() or pthread_detach() for it "
        "before the process ended. Its stack and its record stay allocated, and a program that starts such "
        "threads again and again runs out of both.";
  } else {
    finding.level = Level::kNote;
    finding.title = "{thread:0} was not joined or detached when the program ended";
    finding.explanation =
        "main returned or called exit(), and nobody had called pthread_join() or pthread_detach() for this "
        "joinable thread. Nothing makes the program wait for it, so it is left to chance whether the thread "
        "gets its work done, or is still at it while the program is torn down.";
  }
  return std::move(finding);
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
  return "It waits for no lock, condition, thread or child, but in a system call.";
}

Finding ThreadsJudge::Idle(const Where& where) const {
  const trace::Process& process = run_.processes[static_cast<size_t>(where.process)];
  const trace::Thread& thread = ThreadAt(where);
  FindingBuilder builder("thread-running-at-exit", run_, where.process);
  builder.AddThread(where.thread);
  builder.AddIdentity(thread.create_stack);
  const bool waits_for_known = At(process.locks, thread.wait.lock) != nullptr ||
                               At(process.threads, thread.wait.thread) != nullptr ||
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
  return std::move(finding);
}

}  // namespace

void JudgeThreads(const trace::Run& run, const Options& /*options*/, std::vector<Finding>* findings) {
  ThreadsJudge judge(run, findings);
  for (size_t p = 0; p < run.processes.size(); ++p) {
    if (run.processes[p].ended && EndedItself(run.processes[p])) {
      judge.Collect(static_cast<Index>(p));
    }
  }
  judge.Judge();
}

}  // namespace gordian::analyze
