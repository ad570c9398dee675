// child-zombie and child-orphan: processes that nobody waits for. What happened to them is known from outside
// (Run::observed), where they came from from their parent's trace.
#include <sys/wait.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "libsync/analyze/content.h"
#include "libsync/analyze/detectors/detectors.h"
#include "libsync/analyze/finding_builder.h"
#include "libsync/analyze/lookup.h"
#include "libsync/analyze/process_tree.h"

namespace gordian::analyze {
namespace {

// The watcher looks in steps, and a run ends when the grace time is over: a child still alive then has
// outlived it, though a step short of it.
constexpr uint64_t kStepMs = 200;

std::string StatusWord(int32_t status) {
  if (WIFEXITED(status)) {
    return absl::StrCat("exited ", WEXITSTATUS(status));
  }
  const char* name = sigabbrev_np(WTERMSIG(status));
  return absl::StrCat("killed by ",
                      name != nullptr ? absl::StrCat("SIG", name) : absl::StrCat(WTERMSIG(status)));
}

class ChildrenJudge {
 public:
  ChildrenJudge(const trace::Run& run, const Options& options, std::vector<Finding>* findings)
      : run_(run), options_(options), tree_(run), content_(run), findings_(findings), groups_(findings) {}

  void Judge() {
    for (const Descent& descent : tree_.descents()) {
      // A process that gordian met as its own child lost its parent before: how that went was not seen.
      const bool met_late = descent.observed->creator == tree_.outside_pid();
      if (descent.observed->pid == run_.root_pid) {
        continue;
      }
      if (!met_late && IsZombie(descent)) {
        Report("child-zombie", descent, &ChildrenJudge::TellZombie);
      } else if (WasLeftUnreaped(descent)) {
        Report("child-zombie", descent, &ChildrenJudge::TellLeft);
      } else if (!met_late && IsOrphan(descent)) {
        Report("child-orphan", descent, &ChildrenJudge::TellOrphan);
      }
    }
  }

 private:
  using Tell = void (ChildrenJudge::*)(const Descent&, FindingBuilder*) const;

  const trace::Child* ChildOf(const Descent& descent) const {
    const trace::Process* process = At(run_.processes, descent.process);
    return process != nullptr ? At(process->children, descent.child) : nullptr;
  }
  int32_t ParentOf(const Descent& descent) const {
    const trace::Process* process = At(run_.processes, descent.process);
    return process != nullptr ? process->pid : descent.observed->creator;
  }
  // The image in which the parent ended or still runs.
  const trace::Process* ParentImage(const Descent& descent) const {
    const trace::Process* maker = At(run_.processes, descent.process);
    return At(run_.processes, tree_.LastImage(ParentOf(descent), maker != nullptr ? maker->start_ticks : 0));
  }

  bool IsZombie(const Descent& descent) const;
  bool WasReapedInTurn(const Descent& descent) const;
  bool WasLeftUnreaped(const Descent& descent) const;
  bool EndedBefore(const Descent& descent, const trace::Process& parent) const;
  bool IsOrphan(const Descent& descent) const;
  bool IsDaemon(const Descent& descent) const;

  void Report(const char* rule, const Descent& descent, Tell tell);
  void AddProcesses(const Descent& descent, FindingBuilder* builder) const;
  std::string Origin(const Descent& descent) const;
  std::string ParentDoing(const Descent& descent, FindingBuilder* builder) const;
  void TellZombie(const Descent& descent, FindingBuilder* builder) const;
  void TellLeft(const Descent& descent, FindingBuilder* builder) const;
  void TellOrphan(const Descent& descent, FindingBuilder* builder) const;

  const trace::Run& run_;
  const Options& options_;
  ProcessTree tree_;
  Content content_;
  std::vector<Finding>* findings_;
  FindingGroups groups_;
};

bool ChildrenJudge::IsZombie(const Descent& descent) const {
  const trace::Process* parent = ParentImage(descent);
  return descent.observed->zombie_ms > options_.grace_ms &&
         (run_.over || (parent != nullptr && parent->ended));
}

// Whoever starts several and waits for one after the other leaves those that end early for a while.
bool ChildrenJudge::WasReapedInTurn(const Descent& descent) const {
  const trace::Child* child = ChildOf(descent);
  return descent.observed->creator_awaits &&
         (descent.observed->reaped_late ||
          (child != nullptr && (child->flags & (trace::kReaped | trace::kReapedInside)) != 0));
}

// Only a child that gordian had to reap in the parent's place was certainly left: where SIGCHLD is ignored
// the kernel leaves nothing to reap.
bool ChildrenJudge::WasLeftUnreaped(const Descent& descent) const {
  const trace::Child* child = ChildOf(descent);
  const trace::Process* parent = ParentImage(descent);
  return child != nullptr && parent != nullptr && parent->ended && EndedItself(*parent) &&
         !run_.ended_by_gordian &&
         (child->flags & (trace::kReaped | trace::kReapedInside | trace::kCreateFailed)) == 0 &&
         descent.observed->status.has_value() && EndedBefore(descent, *parent);
}

bool ChildrenJudge::EndedBefore(const Descent& descent, const trace::Process& parent) const {
  const trace::Observed& observed = *descent.observed;
  if (observed.zombie_ms > 0) {
    return true;
  }
  const trace::Process* own = At(run_.processes, tree_.LastImage(observed.pid, observed.start_ticks));
  if (own != nullptr && own->ended && own->end_ns != 0) {
    return own->end_ns < parent.end_ns;
  }
  return (ChildOf(descent)->flags & trace::kChildExited) != 0 && observed.outlived_ms == 0;
}

// A child that left its parent's session did so to live on. Of a double fork the one between has left.
bool ChildrenJudge::IsDaemon(const Descent& descent) const {
  const trace::Observed& observed = *descent.observed;
  const trace::Child* child = ChildOf(descent);
  if (observed.own_session || (child != nullptr && ((child->flags & trace::kChildSetsid) != 0 ||
                                                    child->how == trace::ChildHow::kDaemon))) {
    return true;
  }
  const trace::Observed* creator = tree_.ObservedBy(ParentOf(descent), observed.start_ns);
  if (creator == nullptr) {
    return false;
  }
  if (creator->own_session) {
    return true;
  }
  const auto position = static_cast<size_t>(creator - run_.observed.data());
  const trace::Child* of_creator = ChildOf(tree_.descents()[position]);
  return of_creator != nullptr && (of_creator->flags & trace::kChildSetsid) != 0;
}

bool ChildrenJudge::IsOrphan(const Descent& descent) const {
  const trace::Observed& observed = *descent.observed;
  const bool long_enough = observed.outlived_ms > options_.grace_ms ||
                           (run_.over && observed.alive_at_end && observed.outlived_ms > 0 &&
                            observed.outlived_ms + kStepMs >= options_.grace_ms);
  return long_enough && observed.creator != 0 && !IsDaemon(descent);
}

void ChildrenJudge::Report(const char* rule, const Descent& descent, Tell tell) {
  const trace::Child* child = ChildOf(descent);
  FindingBuilder builder(rule, run_, descent.process);
  AddProcesses(descent, &builder);
  (this->*tell)(descent, &builder);
  Finding& finding = builder.finding();
  const std::string key = absl::StrCat(rule, "|", static_cast<int>(finding.level), "|",
                                       child != nullptr ? content_.Stack(descent.process, child->stack) : "",
                                       "|", descent.observed->command);
  if (!groups_.Again(key)) {
    findings_->push_back(std::move(finding));
  }
}

void ChildrenJudge::AddProcesses(const Descent& descent, FindingBuilder* builder) const {
  const trace::Observed& observed = *descent.observed;
  const trace::Child* child = ChildOf(descent);
  ProcessPart made;
  made.pid = observed.pid;
  made.ppid = ParentOf(descent);
  made.command = observed.command;
  made.ended = observed.status.has_value() ? StatusWord(*observed.status) : "";
  if (child != nullptr) {
    made.created = builder->Stack(child->stack);
    made.created_how = HowWord(child->how);
    builder->AddIdentity(child->stack);
    if ((child->flags & trace::kReaped) != 0) {
      made.ended = StatusWord(child->reap_status);
    }
  }
  builder->finding().processes.push_back(std::move(made));

  ProcessPart parent;
  parent.pid = ParentOf(descent);
  const trace::Observed* seen = tree_.ObservedBy(parent.pid, observed.start_ns);
  const trace::Process* image = ParentImage(descent);
  parent.ppid = image != nullptr ? image->ppid : seen != nullptr ? seen->creator : 0;
  const trace::Process* maker = At(run_.processes, descent.process);
  const trace::Process* named = maker != nullptr ? maker : image;
  parent.command = named != nullptr ? CommandOf(*named) : seen != nullptr ? seen->command : "";
  if (image != nullptr && !image->ended) {
    parent.state = "running";
  } else if (seen != nullptr && seen->status.has_value()) {
    parent.state = StatusWord(*seen->status);
  } else if (image != nullptr && EndedItself(*image)) {
    parent.state = absl::StrCat("exited ", image->end_detail);
  }
  builder->finding().processes.push_back(std::move(parent));
}

std::string ChildrenJudge::Origin(const Descent& descent) const {
  const trace::Child* child = ChildOf(descent);
  const trace::Process* image = ParentImage(descent);
  if (child == nullptr) {
    // A parent of which everything else is known may have been given the child.
    return absl::StrCat(
        ProcessName(1), " is its parent; ",
        image != nullptr
            ? "no call that started it was seen there, so it may be an orphan that was handed to "
              "it. "
            : "where it was started is not known. ");
  }
  const std::string made = CommandOf(run_.processes[static_cast<size_t>(descent.process)]);
  const std::string became = image != nullptr ? CommandOf(*image) : made;
  return absl::StrCat(ProcessName(1), " started it with ", HowWord(child->how),
                      became != made ? absl::StrCat(", and became ", became, " by an exec") : "", ". ");
}

std::string ChildrenJudge::ParentDoing(const Descent& descent, FindingBuilder* builder) const {
  if (!descent.observed->creator_doing.empty()) {
    return absl::StrCat("Meanwhile the parent: ", descent.observed->creator_doing, ". ");
  }
  const trace::Process* maker = At(run_.processes, descent.process);
  for (size_t t = 0; maker != nullptr && t < maker->threads.size(); ++t) {
    const trace::Wait& wait = maker->threads[t].wait;
    if ((maker->threads[t].flags & trace::kMainThread) == 0 || wait.kind == trace::WaitKind::kNone) {
      continue;
    }
    const int main = builder->AddThread(static_cast<Index>(t));
    const int lock = builder->AddLock(wait.lock);
    ThreadPart& part = builder->finding().threads[static_cast<size_t>(main)];
    part.role = "the parent's main thread";
    part.waits.kind = wait.kind;
    part.waits.lock = lock;
    part.waits.timed = wait.timed;
    part.waits.stack = builder->Stack(wait.stack);
    return lock >= 0 ? absl::StrCat("Meanwhile the parent's main thread waits for ", LockName(lock), ". ")
                     : "Meanwhile the parent's main thread waits. ";
  }
  return "";
}

void ChildrenJudge::TellZombie(const Descent& descent, FindingBuilder* builder) const {
  Finding& finding = builder->finding();
  const std::string age = Milliseconds(descent.observed->zombie_ms);
  finding.processes[0].state = "zombie";
  finding.title = absl::StrCat("{process:0} ended and was not waited for: a zombie for ", age);
  finding.explanation =
      absl::StrCat(Origin(descent), "The child ended, but its parent did not collect its status for ", age,
                   ". Until then it keeps its process id and its place in the process table; a program that "
                   "leaves many of them "
                   "can start no more processes. ",
                   ParentDoing(descent, builder));
  const bool handed = ChildOf(descent) == nullptr;
  // A parent of which everything else is known did not start it: it is there to be handed orphans.
  const bool collects = handed && ParentImage(descent) != nullptr;
  finding.fix =
      collects
          ? "Process 1 of a container, and a subreaper, are handed all orphans below them and must wait for "
            "every one: run an init there (docker run --init, tini), or call waitpid(-1, ...) in it."
          : "Call waitpid() for the child (in Python: wait() or communicate() on the Popen object, join() on "
            "the "
            "multiprocessing.Process). If nobody needs its status, set SIGCHLD to SIG_IGN.";
  if (handed && !collects) {
    finding.fix +=
        " Process 1 of a container and a subreaper are handed all orphans below them: let an init run there "
        "that waits for them (docker run --init, tini).";
  }
  builder->AddCondition("unreaped", absl::StrCat("seen as a zombie of its living parent for ", age));
  builder->AddCondition("grace-over", absl::StrCat("the grace time is ", Milliseconds(options_.grace_ms)));
  if (WasReapedInTurn(descent)) {
    finding.level = Level::kNote;
    finding.title = absl::StrCat("{process:0} ended and was waited for ", age, " later");
    finding.explanation += "It was waiting for another child, and came to this one in the end.";
    finding.fix =
        "Wait for whichever child ends first, with waitpid(-1, ...), where there may be many of them or the "
        "others may run for long.";
    builder->AddCondition("nobody-comes", "the parent waited for another child, and then for this one");
    finding.conditions.back().holds = false;
  }
}

void ChildrenJudge::TellLeft(const Descent& descent, FindingBuilder* builder) const {
  Finding& finding = builder->finding();
  finding.level = Level::kNote;
  finding.processes[0].state = StatusWord(*descent.observed->status);
  finding.title = "{process:0} ended and its parent never waited for it";
  finding.explanation = absl::StrCat(Origin(descent),
                                     "The child ended, and then the parent ended too without collecting its "
                                     "status. A longer running parent would have "
                                     "left a zombie, and a failure of the child went unnoticed.");
  finding.fix = "Call waitpid() for the child before the parent ends, and look at its status.";
}

void ChildrenJudge::TellOrphan(const Descent& descent, FindingBuilder* builder) const {
  Finding& finding = builder->finding();
  const trace::Observed& observed = *descent.observed;
  finding.processes[0].state = observed.alive_at_end ? "running" : "ended later";
  finding.title = ChildOf(descent) != nullptr ? "{process:0} outlived {process:1}, which started it"
                                              : "{process:0} outlived its parent, {process:1}";
  finding.explanation = absl::StrCat(
      Origin(descent), "The parent ended, and the child lived on for ",
      observed.alive_at_end ? "more than " : "", Milliseconds(observed.outlived_ms),
      ". Nobody waits for it any more, and nobody stops it: it keeps its memory, files, ports and locks.");
  finding.fix =
      "Stop the child and wait for it before the parent ends (or let prctl(PR_SET_PDEATHSIG) stop it). If it "
      "is meant to live on as a daemon, let it call setsid().";
  builder->AddCondition("outlived", absl::StrCat("seen alive ", Milliseconds(observed.outlived_ms),
                                                 " after the end of its parent"));
  builder->AddCondition("no-daemon", "neither it nor its parent began a session of its own");
}

}  // namespace

void JudgeChildren(const trace::Run& run, const Options& options, std::vector<Finding>* findings) {
  ChildrenJudge(run, options, findings).Judge();
}

}  // namespace gordian::analyze
