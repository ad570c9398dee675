// unlock-not-held, unlock-not-owner, destroy-in-use, free-in-use, reinit-in-use, use-after-destroy,
// condition-mutex, barrier-misuse, semaphore-misuse: the recorder saw the call that broke the rules, so the
// finding is certain at once.
#include <algorithm>
#include <iterator>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "libsync/analyze/content.h"
#include "libsync/analyze/detectors/detectors.h"
#include "libsync/analyze/finding_builder.h"
#include "libsync/analyze/lookup.h"

namespace gordian::analyze {
namespace {

// How an event is told: {thread:0} is the thread that made the call, {lock:0} what it was about.
struct Misuse {
  trace::EventKind kind;
  bool (*fits)(const trace::Event& event);  // null: every event of the kind
  const char* rule;
  const char* action;      // of the acting thread, in the interleaving
  const char* other_role;  // of the thread on the other side
  const char* title;
  const char* explanation;
  const char* fix;
};

constexpr Misuse kMisuses[] = {
    {trace::EventKind::kUnlockNotHeld, nullptr, "unlock-not-held", "unlock", "",
     "{thread:0} unlocks {lock:0}, which nobody holds",
     "The lock was free when {thread:0} unlocked it: it was never locked on this path, or it was unlocked "
     "twice. The "
     "C library does not notice; the next two threads may both get the lock.",
     "Unlock once for each lock.{c++: A guard object (std::lock_guard, std::unique_lock) keeps the two "
     "together.}"},
    {trace::EventKind::kUnlockNotOwner, nullptr, "unlock-not-owner", "unlock", "holds it",
     "{thread:0} unlocks {lock:0}, which it does not hold",
     "Only the thread that locked {lock:0} may unlock it. Here another thread's critical section was opened, "
     "and from now on two threads can be inside at once. Gordian treats {lock:0} as a signal between threads "
     "from here on, not as a lock.",
     "Unlock in the thread that locked. To wake another thread use a condition variable or a semaphore."},
    {trace::EventKind::kDestroyInUse, nullptr, "destroy-in-use", "destroy", "uses it",
     "{thread:0} destroys {lock:0} while it is in use",
     "Destroying an object that is held or waited for is undefined: the user of it may hang, or write into "
     "memory that "
     "is something else by then.",
     "Wait until every user of {lock:0} is done, for example by joining the threads, before destroying it."},
    {trace::EventKind::kUseAfterDestroy, nullptr, "use-after-destroy", "uses", "destroyed it",
     "{thread:0} uses {lock:0} after it was destroyed",
     "The object was destroyed and not initialised again. What the call does now is undefined: it may hang, "
     "fail, or "
     "let several threads in.",
     "Destroy {lock:0} only after its last use; join the threads that use it first."},
    {trace::EventKind::kReinitInUse, nullptr, "reinit-in-use", "init", "uses it",
     "{thread:0} initialises {lock:0} while it is in use",
     "Initialising makes the object look free, while a thread still holds it or waits for it: two threads "
     "can get in, "
     "or the waiting one is never woken.",
     "Initialise {lock:0} once, before the first thread can reach it (pthread_once, a static initialiser)."},
    {trace::EventKind::kUnmapInUse,
     [](const trace::Event& event) { return event.text.empty() || event.text == "munmap"; }, "free-in-use",
     "munmap", "uses it", "{thread:0} unmaps memory in which {lock:0} is in use",
     "The memory of a held lock is given back to the kernel. Whoever unlocks or locks it next crashes, or "
     "writes into "
     "whatever is mapped there by then.",
     "Release {lock:0}, and let all its users finish, before unmapping its memory."},
    {trace::EventKind::kUnmapInUse, nullptr, "free-in-use", "frees it", "uses it",
     "{thread:0} frees memory in which {lock:0} is in use",
     "The memory goes back to the allocator, which may give it to anybody. Whoever unlocks {lock:0} next, or "
     "is "
     "woken there, "
     "writes into somebody else's data.",
     "Release {lock:0}, and let all its users finish (join the threads), before freeing its memory."},
    {trace::EventKind::kFrameInUse, nullptr, "free-in-use", "returns", "holds it",
     "{thread:0} leaves the function whose local {lock:0} is still held",
     "The lock lived in a stack frame that is gone, and it was still held. Its memory is reused by the next "
     "call, so the "
     "unlock that follows writes into somebody else's variables.",
     "Release {lock:0} before the function returns, or let the lock live as long as its users."},
    {trace::EventKind::kConditionMutex, [](const trace::Event& event) { return event.value == 0; },
     "condition-mutex", "waits without its mutex", "holds the mutex",
     "{thread:0} waits on {lock:0} with {lock:1}, which it does not hold",
     "A wait gives its mutex up and takes it back. {thread:0} does not hold {lock:1}, so the wait unlocks it "
     "under "
     "somebody else, or fails; and a signal that comes between the test of the predicate and the wait is "
     "lost.",
     "Lock {lock:1}, test the predicate, and wait in a loop, all while holding it."},
    {trace::EventKind::kConditionMutex, [](const trace::Event& event) { return event.value == 1; },
     "condition-mutex", "waits with another mutex", "waits with its mutex",
     "{thread:0} waits on {lock:0} with {lock:1} while {thread:1} waits on it with another mutex",
     "All who wait on a condition at the same time must pass the same mutex. With two of them the predicate "
     "is not "
     "guarded: a signal can get lost, and POSIX leaves undefined what the wait does.",
     "Guard the predicate of {lock:0} with one mutex and pass that one to every wait, or use two "
     "conditions."},
    {trace::EventKind::kBarrierMisuse, [](const trace::Event& event) { return event.other != kNoIndex; },
     "barrier-misuse", "init", "waits in it", "{thread:0} initialises {lock:0} while {thread:1} waits in it",
     "Initialising forgets who waits already: they are never counted, so they wait for ever, and so may "
     "those "
     "who come later.",
     "Initialise {lock:0} once, before the first thread can reach it."},
    {trace::EventKind::kBarrierMisuse, [](const trace::Event& event) { return event.other == kNoIndex; },
     "barrier-misuse", "init", "", "{thread:0} initialises a barrier for a number of threads that cannot be",
     "A barrier needs at least one thread, and fewer than 2^31. The call failed, so the barrier is not "
     "initialised: "
     "what a wait at it does is undefined.",
     "Pass the number of threads that wait at the barrier, and look at the result of "
     "pthread_barrier_init()."},
    {trace::EventKind::kSemaphoreMisuse, [](const trace::Event& event) { return event.lock == kNoIndex; },
     "semaphore-misuse", "init", "", "{thread:0} initialises a semaphore with more than it can hold",
     "A semaphore holds SEM_VALUE_MAX (2^31 - 1) at most; a negative number becomes more than that. The call "
     "failed, so "
     "the semaphore is not initialised: what a wait for it does is undefined.",
     "Pass a number from 0 to SEM_VALUE_MAX, and look at the result of the call."},
    {trace::EventKind::kSemaphoreMisuse, [](const trace::Event& event) { return event.lock != kNoIndex; },
     "semaphore-misuse", "post", "", "{thread:0} posts {lock:0}, which is full",
     "The semaphore holds SEM_VALUE_MAX already, so the post failed with EOVERFLOW and is lost: far more is "
     "posted than "
     "anybody waits for.",
     "Post once for each unit that a waiter takes; to wake those who wait, use a condition variable."},
};

const Misuse* MisuseOf(const trace::Event& event) {
  const auto* const found = std::find_if(std::begin(kMisuses), std::end(kMisuses), [&](const Misuse& misuse) {
    return misuse.kind == event.kind && (misuse.fits == nullptr || misuse.fits(event));
  });
  return found != std::end(kMisuses) ? found : nullptr;
}

// Whether a destroyed object can be told from a live one by its own memory: by what libc leaves there, or by
// what the recorder does.
bool KeepsMark(const trace::Lock& lock) {
  switch (lock.kind) {
    case trace::LockKind::kMutex:
    case trace::LockKind::kRecursiveMutex:
    case trace::LockKind::kErrorcheckMutex:
    case trace::LockKind::kAdaptiveMutex:
    case trace::LockKind::kCondition:
      return true;
    case trace::LockKind::kRwlock:
    case trace::LockKind::kWriterRwlock:
    case trace::LockKind::kSemaphore:
      return (lock.flags & trace::kProcessShared) == 0;
    default:
      return false;
  }
}

// Semaphores are posted by anybody, and a destroyed or re-initialised one is not a held lock.
bool IsSilent(const Misuse& misuse, const trace::Lock* lock) {
  const bool unlock =
      misuse.kind == trace::EventKind::kUnlockNotHeld || misuse.kind == trace::EventKind::kUnlockNotOwner;
  return lock != nullptr && (lock->interpreter || (unlock && lock->kind == trace::LockKind::kSemaphore));
}

// The call fails with EPERM where the caller does not hold the lock.
bool RefusesStrangers(const trace::Lock& lock) {
  return lock.kind == trace::LockKind::kErrorcheckMutex || lock.kind == trace::LockKind::kRecursiveMutex ||
         (lock.flags & (trace::kRobust | trace::kPriorityInherit)) != 0;
}

// The call fails with EBUSY while the mutex is locked, and leaves it as it is (glibc,
// pthread_mutex_destroy.c).
bool RefusesDestruction(const trace::Lock& lock) {
  switch (lock.kind) {
    case trace::LockKind::kMutex:
    case trace::LockKind::kRecursiveMutex:
    case trace::LockKind::kErrorcheckMutex:
    case trace::LockKind::kAdaptiveMutex:
      return (lock.flags & trace::kRobust) == 0;
    default:
      return false;
  }
}

// It was initialised, or taken, before anybody used it as if it had not been destroyed.
bool HadLife(const trace::Process& image, Index index) {
  const trace::Lock& lock = image.locks[static_cast<size_t>(index)];
  return lock.create_stack != kNoIndex ||
         std::none_of(image.events.begin(), image.events.end(), [&](const trace::Event& event) {
           return event.kind == trace::EventKind::kUseAfterDestroy && event.lock == index &&
                  event.stack == lock.first_stack;
         });
}

// What is different where the object itself, or the record of it, says more than the kind of mistake.
void TellOfLock(const trace::Process& image, const trace::Event& event, Finding* finding) {
  const trace::Lock* lock = At(image.locks, event.lock);
  const bool unlock =
      event.kind == trace::EventKind::kUnlockNotHeld || event.kind == trace::EventKind::kUnlockNotOwner;
  if (lock != nullptr && unlock && RefusesStrangers(*lock)) {
    finding->level = Level::kWarning;
    finding->explanation =
        "A mutex of this type knows its owner: the call failed with EPERM and changed nothing. Whether the "
        "program looks at the result is not seen. If it does not, its locks and unlocks do not pair up as it "
        "believes.";
    finding->fix =
        "Unlock in the thread that locked, once for each lock{!python:, or look at the result of the call}.";
  }
  if (event.kind == trace::EventKind::kDestroyInUse && event.other == event.thread && lock != nullptr &&
      RefusesDestruction(*lock)) {
    finding->level = Level::kWarning;
    finding->title = "{thread:0} destroys {lock:0} while it holds it itself";
    finding->explanation =
        "The call failed with EBUSY and left the mutex locked. Nobody else uses it, so nothing happens "
        "unless it is "
        "used again; POSIX leaves undefined what the call does.";
    finding->fix = "Unlock {lock:0} before destroying it.";
  }
  if (event.kind == trace::EventKind::kUseAfterDestroy && lock != nullptr && !HadLife(image, event.lock)) {
    finding->title = "{thread:0} uses {lock:0}, which is destroyed or was never initialised";
    finding->explanation =
        "The memory holds what libc leaves in a destroyed object, and nobody was seen to use it before: it "
        "was "
        "destroyed at once, or never initialised and something else was written there. What the call does is "
        "undefined: it may hang, fail, or let several threads in.";
    finding->fix = "Initialise {lock:0} before its first use, and destroy it only after its last.";
  }
  if (event.kind == trace::EventKind::kUseAfterDestroy && lock != nullptr && !KeepsMark(*lock)) {
    finding->level = Level::kWarning;
    finding->explanation +=
        " This kind of object keeps no mark of its destruction, so Gordian goes by its own records.";
  }
}

Finding Build(const trace::Run& run, Index process, const trace::Event& event, const Misuse& misuse) {
  const trace::Process& image = run.processes[static_cast<size_t>(process)];
  FindingBuilder builder(misuse.rule, run, process);
  Finding& finding = builder.finding();
  const int actor = builder.AddThread(event.thread);
  const int what = builder.AddLock(event.lock);
  builder.AddLock(event.lock2);
  finding.title = misuse.title;
  finding.explanation = misuse.explanation;
  finding.fix = misuse.fix;
  finding.count = event.count;
  TellOfLock(image, event, &finding);
  const bool has_other = event.other != event.thread && At(image.threads, event.other) != nullptr;
  const int other = has_other ? builder.AddThread(event.other) : -1;
  if (other >= 0) {
    finding.threads[static_cast<size_t>(other)].role = misuse.other_role;
    finding.threads[static_cast<size_t>(other)].at = builder.Stack(event.other_stack);
    builder.AddStep(other, std::string(absl::StripSuffix(misuse.other_role, " it")), what, event.other_stack);
  }
  if (actor >= 0 && event.other == event.thread && event.other_stack != kNoIndex) {
    builder.AddStep(actor, "lock", what, event.other_stack);
  }
  if (actor >= 0) {
    finding.threads[static_cast<size_t>(actor)].role = absl::StrCat("the call: ", misuse.action);
    finding.threads[static_cast<size_t>(actor)].at = builder.Stack(event.stack);
    builder.AddStep(actor, misuse.action, what, event.stack);
  }
  builder.AddIdentity(event.stack);
  builder.AddIdentity(event.other_stack);
  return std::move(finding);
}

}  // namespace

void JudgeMisuse(const trace::Run& run, const Options& /*options*/, std::vector<Finding>* findings) {
  Content content(run);
  FindingGroups groups(findings);
  for (size_t p = 0; p < run.processes.size(); ++p) {
    const auto process = static_cast<Index>(p);
    for (const trace::Event& event : run.processes[p].events) {
      const Misuse* misuse = MisuseOf(event);
      const bool follows =
          event.kind == trace::EventKind::kFrameInUse && WasDestroyed(run.processes[p], event.lock);
      if (misuse == nullptr || follows || IsSilent(*misuse, At(run.processes[p].locks, event.lock))) {
        continue;
      }
      const std::string key = absl::StrCat(misuse->title, "|", content.Stack(process, event.stack));
      if (Finding* known = groups.Known(key); known != nullptr) {
        known->count += event.count - 1;
      } else {
        findings->push_back(Build(run, process, event, *misuse));
      }
    }
  }
}

}  // namespace gordian::analyze
