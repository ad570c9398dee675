// api-error: a synchronisation call told the program of a mistake. Where the recorder saw the mistake itself
// that is the finding, and the error only follows from it.
#include <threads.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "libsync/analyze/content.h"
#include "libsync/analyze/detectors/detectors.h"
#include "libsync/analyze/finding_builder.h"
#include "libsync/analyze/lookup.h"

namespace gordian::analyze {
namespace {

using trace::EventKind;

// Events that a finding of their own is made of, at the place of the call.
bool IsMisuse(EventKind kind) {
  switch (kind) {
    case EventKind::kUnlockNotHeld:
    case EventKind::kUnlockNotOwner:
    case EventKind::kDestroyInUse:
    case EventKind::kUseAfterDestroy:
    case EventKind::kReinitInUse:
    case EventKind::kConditionMutex:
    case EventKind::kJoinMisuse:
    case EventKind::kBarrierMisuse:
    case EventKind::kSemaphoreMisuse:
      return true;
    default:
      return false;
  }
}

// C11's calls have their own answers, one of which stands for most mistakes.
bool IsC11(const std::string& call) {
  return call.starts_with("mtx_") || call.starts_with("cnd_") || call.starts_with("thrd_");
}

std::string NameOf(const std::string& call, int error) {
  if (IsC11(call)) {
    return error == thrd_nomem ? "thrd_nomem" : "thrd_error";
  }
  const char* name = strerrorname_np(error);
  return name != nullptr ? name : absl::StrCat("error ", error);
}

// What the error means where locks and threads are concerned.
const char* MeaningOf(const std::string& call, int error) {
  if (IsC11(call)) {
    return error == thrd_nomem
               ? "there is no memory"
               : "the object is not initialised or was destroyed, the thread does not hold the lock or "
                 "holds it already, or an argument is out of range";
  }
  switch (error) {
    case EDEADLK:
      return "the thread would have waited for itself: it holds the lock already, or joins itself";
    case EPERM:
      return "the thread does not hold the lock";
    case EINVAL:
      return "the object is not initialised or was destroyed, or an argument (a deadline, a count, an "
             "attribute) is "
             "out of range";
    case ESRCH:
      return "there is no such thread";
    case EBUSY:
      return "the object is still in use";
    case EAGAIN:
      return "a limit is reached: too many holders of one lock, or no resources";
    case ENOTRECOVERABLE:
      return "the owner of a robust mutex died, and the next one unlocked it without "
             "pthread_mutex_consistent(): "
             "nobody can lock it any more";
    case EOVERFLOW:
      return "the count would exceed what the object can hold";
    case ETIMEDOUT:
      return "the time was over although none was given";
    default:
      return strerrordesc_np(error);
  }
}

// A mutex that asks to be told of mistakes, and that lives and dies in one function, was made to see what the
// C library answers.
bool IsProbe(const trace::Lock& lock) {
  constexpr uint32_t kOfOneFunction = trace::kOnStack | trace::kDestroyed;
  return lock.kind == trace::LockKind::kErrorcheckMutex && (lock.flags & kOfOneFunction) == kOfOneFunction;
}

bool IsOfNobody(const trace::Lock* lock) { return lock != nullptr && (lock->interpreter || IsProbe(*lock)); }

Finding Build(const trace::Run& run, Index process, const trace::Event& event) {
  const auto error = static_cast<int>(event.error);
  const char* meaning = MeaningOf(event.text, error);
  FindingBuilder builder("api-error", run, process);
  Finding& finding = builder.finding();
  const int actor = builder.AddThread(event.thread);
  const int lock = builder.AddLock(event.lock);
  const std::string call = absl::StrCat(event.text.empty() ? "the call" : event.text, "()");
  finding.title = absl::StrCat(call, lock >= 0 ? absl::StrCat(" of ", LockName(lock)) : "", " returned ",
                               NameOf(event.text, error));
  finding.explanation = absl::StrCat(
      NameOf(event.text, error), " says: ", meaning != nullptr ? meaning : "unknown",
      ". What the call was for did "
      "not happen, and a program that goes on as if it had runs without the protection it counts on.");
  finding.fix = absl::StrCat("Remove the cause, or handle the result of ", call, " here.");
  if (actor >= 0) {
    ThreadPart& part = finding.threads[static_cast<size_t>(actor)];
    part.role = absl::StrCat("the call: ", call);
    part.at = builder.Stack(event.stack);
  }
  builder.AddStep(actor, absl::StrCat(call, " = ", NameOf(event.text, error)), lock, event.stack);
  builder.AddIdentity(event.stack);
  return std::move(finding);
}

}  // namespace

void JudgeErrors(const trace::Run& run, const Options& /*options*/, std::vector<Finding>* findings) {
  Content content(run);
  FindingGroups groups(findings);
  for (size_t p = 0; p < run.processes.size(); ++p) {
    const auto process = static_cast<Index>(p);
    const trace::Process& image = run.processes[p];
    absl::flat_hash_set<std::string> told;
    for (const trace::Event& event : image.events) {
      if (IsMisuse(event.kind)) {
        told.insert(content.Stack(process, event.stack));
      }
    }
    for (const trace::Event& event : image.events) {
      const trace::Lock* lock = At(image.locks, event.lock);
      if (event.kind == EventKind::kApiError && !told.contains(content.Stack(process, event.stack)) &&
          !IsOfNobody(lock) &&
          !groups.Again(
              absl::StrCat(event.text, "|", event.error, "|", content.Stack(process, event.stack)))) {
        findings->push_back(Build(run, process, event));
      }
    }
  }
}

}  // namespace gordian::analyze
