// join-misuse: a thread was joined or detached that had been already, or that does not exist. Certain once
// the call has refused it, or has crashed on it.
#include <sys/wait.h>

#include <csignal>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "libsync/analyze/content.h"
#include "libsync/analyze/detectors/detectors.h"
#include "libsync/analyze/finding_builder.h"
#include "libsync/analyze/lookup.h"

namespace gordian::analyze {
namespace {

using trace::JoinMisuse;

struct Wording {
  const char* call;   // what it did
  const char* first;  // what had been done before, "" for nothing
  const char* title;  // after the name of the acting thread
  const char* why;
};

Wording WordingOf(JoinMisuse misuse) {
  switch (misuse) {
    case JoinMisuse::kJoinedTwice:
      return {"join", "join", "joins a thread that is joined already", "A thread can be joined once."};
    case JoinMisuse::kJoinOfDetached:
      return {"join", "detach", "joins a detached thread", "Nobody can join a detached thread."};
    case JoinMisuse::kDetachedTwice:
      return {"detach", "detach", "detaches a thread that is detached already",
              "A thread can be detached once."};
    case JoinMisuse::kDetachOfJoined:
      return {"detach", "join", "detaches a thread that is joined already", "A joined thread is gone."};
    case JoinMisuse::kJoinedAtOnce:
      return {"join", "join", "joins a thread that another one is joining", "A thread can be joined once."};
    case JoinMisuse::kCancelOfJoined:
      return {"cancel", "join", "cancels a thread that is joined already", "A joined thread is gone."};
    case JoinMisuse::kSignalOfJoined:
      return {"signal", "join", "sends a signal to a thread that is joined already",
              "A joined thread is gone."};
    case JoinMisuse::kUnknown:
      break;
  }
  return {
      "join", "", "joins or detaches a thread that does not exist",
      "The id names no thread that can be joined: it ended long ago, was detached, or was never created."};
}

std::optional<int> StatusOf(const trace::Run& run, const trace::Process& process) {
  if (process.pid == run.root_pid && run.root_status.has_value()) {
    return run.root_status;
  }
  for (const trace::Observed& observed : run.observed) {
    if (observed.pid == process.pid && observed.start_ticks == process.start_ticks) {
      return observed.status;
    }
  }
  return std::nullopt;
}

// It did not come back from the call: libc may look into the memory of a thread that is gone.
bool Crashed(const trace::Run& run, const trace::Process& process) {
  const std::optional<int> status = StatusOf(run, process);
  return process.ended && process.end == trace::End::kNone && status.has_value() && WIFSIGNALED(*status) &&
         (WTERMSIG(*status) == SIGSEGV || WTERMSIG(*status) == SIGBUS);
}

// The C library does not refuse it: it has no effect, or one on whatever has the id by then.
bool IsUseOfJoined(const trace::Event& event) {
  const auto misuse = static_cast<JoinMisuse>(event.value);
  return misuse == JoinMisuse::kCancelOfJoined || misuse == JoinMisuse::kSignalOfJoined;
}

bool IsCertain(const trace::Run& run, const trace::Process& process, const trace::Event& event) {
  return event.error != 0 || event.value == static_cast<int64_t>(JoinMisuse::kJoinedAtOnce) ||
         IsUseOfJoined(event) || Crashed(run, process);
}

Finding Build(const trace::Run& run, Index process, const trace::Event& event) {
  const trace::Process& image = run.processes[static_cast<size_t>(process)];
  const Wording wording = WordingOf(static_cast<JoinMisuse>(event.value));
  FindingBuilder builder("join-misuse", run, process);
  Finding& finding = builder.finding();
  const int actor = builder.AddThread(event.thread);
  const trace::Thread* other = At(image.threads, event.other);
  const int joined = builder.AddThread(event.other);
  const int joiner = other == nullptr ? -1 : builder.AddThread(other->joiner);
  if (wording.first[0] != '\0' && At(image.stacks, event.other_stack) != nullptr) {
    builder.AddStep(joiner, wording.first, -1, event.other_stack);
  }
  if (actor >= 0) {
    ThreadPart& part = finding.threads[static_cast<size_t>(actor)];
    part.role = absl::StrCat("the call: ", wording.call);
    part.at = builder.Stack(event.stack);
  }
  if (joined >= 0 && joined != actor) {
    finding.threads[static_cast<size_t>(joined)].role = "the thread it is about";
  }
  builder.AddStep(actor, wording.call, -1, event.stack);
  finding.title = absl::StrCat(actor >= 0 ? ThreadName(actor) : "A thread", " ", wording.title,
                               joined >= 0 ? absl::StrCat(": ", ThreadName(joined)) : "");
  const bool crashed = Crashed(run, image);
  finding.level = IsUseOfJoined(event) && !crashed ? Level::kWarning : finding.level;
  finding.explanation = absl::StrCat(
      wording.why,
      IsUseOfJoined(event) && !crashed
          ? " The call has no effect, or one on another thread that has got the same id by then: POSIX "
            "leaves it undefined."
      : event.error != 0 ? " This time the C library noticed and refused. It does not always: the id may "
                           "belong to another thread "
                           "by then, which is then lost instead, or to memory that is gone."
                         : " The call looked into memory that was gone, and the process crashed in it.");
  finding.fix =
      "Give each thread one owner that joins or detaches it exactly once, and forget the id then.{c++: "
      "std::jthread does that.}";
  builder.AddIdentity(event.stack);
  builder.AddIdentity(event.other_stack);
  return std::move(finding);
}

}  // namespace

void JudgeJoins(const trace::Run& run, const Options& /*options*/, std::vector<Finding>* findings) {
  Content content(run);
  FindingGroups groups(findings);
  for (size_t p = 0; p < run.processes.size(); ++p) {
    const auto process = static_cast<Index>(p);
    for (const trace::Event& event : run.processes[p].events) {
      if (event.kind == trace::EventKind::kJoinMisuse && IsCertain(run, run.processes[p], event) &&
          !groups.Again(absl::StrCat(event.value, "|", content.Stack(process, event.stack)))) {
        findings->push_back(Build(run, process, event));
      }
    }
  }
}

}  // namespace gordian::analyze
