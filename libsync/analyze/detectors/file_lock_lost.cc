// file-lock-lost: a lock by fcntl() or lockf() belongs to the process and the file, not to the descriptor,
// and closing any descriptor of the file gives it back (fcntl(2)). The recorder saw it happen; here it is
// judged whether another process took the lock before the program itself gave it back.
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "libsync/analyze/content.h"
#include "libsync/analyze/detectors/detectors.h"
#include "libsync/analyze/finding_builder.h"
#include "libsync/analyze/lookup.h"

namespace gordian::analyze {
namespace {

using trace::Event;
using trace::EventKind;

struct Taker {
  Index process = kNoIndex;
  const Event* event = nullptr;
  uint64_t time_ns = 0;
};

bool SameBytes(const trace::SharedIdentity& a, const trace::SharedIdentity& b) {
  const auto end = [](const trace::SharedIdentity& range) {
    return range.length == 0 ? UINT64_MAX : range.offset + range.length;
  };
  return a.space == b.space && a.device == b.device && a.inode == b.inode && a.offset < end(b) &&
         b.offset < end(a);
}

class LostFileLockJudge {
 public:
  LostFileLockJudge(const trace::Run& run, std::vector<Finding>* findings)
      : run_(run), content_(run), findings_(findings), groups_(findings) {}

  void Judge();

 private:
  Taker TakerOf(Index process, const Event& lost) const;
  Finding Build(Index process, const Event& lost, const Taker& taker) const;

  const trace::Run& run_;
  Content content_;
  std::vector<Finding>* findings_;
  FindingGroups groups_;
};

// Who took the lock while the program had not given it back; the first that is known.
Taker LostFileLockJudge::TakerOf(Index process, const Event& lost) const {
  const trace::Process& loser = run_.processes[static_cast<size_t>(process)];
  const trace::Lock* lock = At(loser.locks, lost.lock);
  const uint64_t given_back = lost.value != 0     ? static_cast<uint64_t>(std::abs(lost.value))
                              : loser.end_ns != 0 ? loser.end_ns
                                                  : UINT64_MAX;
  Taker first;
  for (size_t p = 0; lock != nullptr && lock->shared.has_value() && p < run_.processes.size(); ++p) {
    const trace::Process& other = run_.processes[p];
    if (other.pid == loser.pid) {
      continue;
    }
    for (const Event& event : other.events) {
      const trace::Lock* taken =
          event.kind == EventKind::kFileLockTaken ? At(other.locks, event.lock) : nullptr;
      if (taken == nullptr || !taken->shared.has_value() || !SameBytes(*lock->shared, *taken->shared) ||
          !Conflict(static_cast<trace::Mode>(lost.error), static_cast<trace::Mode>(event.error))) {
        continue;
      }
      // An event stands for all acquisitions at its place: the first and the last are known.
      for (const uint64_t time_ns : {event.time_ns, static_cast<uint64_t>(event.value)}) {
        if (time_ns > lost.time_ns && time_ns < given_back &&
            (first.event == nullptr || time_ns < first.time_ns)) {
          first = {static_cast<Index>(p), &event, time_ns};
        }
      }
    }
  }
  return first;
}

Finding LostFileLockJudge::Build(Index process, const Event& lost, const Taker& taker) const {
  FindingBuilder builder("file-lock-lost", run_, process);
  Finding& finding = builder.finding();
  const int loser = builder.AddThread(lost.thread);
  const int lock = builder.AddLock(lost.lock);
  builder.AddStep(loser, "takes", lock, lost.other_stack);
  builder.AddStep(loser, "loses", lock, lost.stack);
  builder.AddIdentity(lost.other_stack);
  builder.AddIdentity(lost.stack);
  if (loser >= 0) {
    ThreadPart& part = finding.threads[static_cast<size_t>(loser)];
    part.role = "closed another descriptor of the file";
    part.at = builder.Stack(lost.stack);
  }
  finding.title =
      absl::StrCat("The process lost its ", LockName(lock), " when it closed another descriptor of the file");
  finding.explanation = absl::StrCat(
      "A lock by fcntl() or lockf() belongs to the process and the file, not to the descriptor: whoever "
      "closes any "
      "descriptor of the file gives back all such locks of the process, and nobody is told. From here on "
      "the ",
      LockName(lock),
      " was free for every other process, while the program still had the file open that it had "
      "locked",
      lost.value > 0 ? ", and went on" : "", ".");
  finding.fix =
      "Lock with flock() or with an open file description lock (fcntl F_OFD_SETLK), which belong to the "
      "descriptor "
      "that they were taken through. Or open the file once, and close no other descriptor of it before the "
      "lock is "
      "given back; also a copy by dup(), and one that a library opens, counts.";
  if (taker.event != nullptr) {
    finding.level = Level::kError;
    builder.In(taker.process);
    const int winner = builder.AddThread(taker.event->thread);
    builder.AddStep(winner, "takes", lock, taker.event->stack);
    finding.threads[static_cast<size_t>(winner)].role = "took the lock afterwards";
    finding.threads[static_cast<size_t>(winner)].at = builder.Stack(taker.event->stack);
    absl::StrAppend(&finding.explanation, " ", ThreadName(winner),
                    " took it then: both work on the file as if they were alone.");
  }
  return std::move(finding);
}

void LostFileLockJudge::Judge() {
  for (size_t p = 0; p < run_.processes.size(); ++p) {
    const auto process = static_cast<Index>(p);
    for (const Event& event : run_.processes[p].events) {
      if (event.kind != EventKind::kFileLockLost) {
        continue;
      }
      // What was given back before anything else was done, and nobody took, was not missed.
      const Taker taker = TakerOf(process, event);
      const bool is_missed = event.value >= 0 || taker.event != nullptr;
      if (is_missed &&
          !groups_.Again(absl::StrCat(content_.Stack(process, event.other_stack), "|",
                                      content_.Stack(process, event.stack), "|", taker.event != nullptr))) {
        findings_->push_back(Build(process, event, taker));
      }
    }
  }
}

}  // namespace

void JudgeLostFileLocks(const trace::Run& run, const Options& /*options*/, std::vector<Finding>* findings) {
  LostFileLockJudge(run, findings).Judge();
}

}  // namespace gordian::analyze
