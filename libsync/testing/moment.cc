#include "libsync/testing/moment.h"

#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "libsync/analyze/content.h"
#include "libsync/analyze/detector.h"
#include "libsync/analyze/finding_builder.h"
#include "libsync/analyze/lookup.h"
#include "libsync/trace/reader.h"

namespace gordian::gtest {
namespace {

using analyze::Finding;
using analyze::FindingBuilder;
using analyze::Index;
using analyze::Level;

// Long enough for whoever just passes through a critical section.
constexpr std::chrono::milliseconds kPassing(100);
constexpr uint32_t kNotJoinable = trace::kMainThread | trace::kDetached | trace::kJoined | trace::kAdopted;

uint64_t MonotonicNs() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

const trace::Thread* OwnThread(const trace::Process& process) {
  const auto own =
      std::find_if(process.threads.begin(), process.threads.end(), [](const trace::Thread& thread) {
        return thread.live && thread.tid == gettid() && !analyze::IsDead(thread);
      });
  return own != process.threads.end() ? &*own : nullptr;
}

// A thread has no start until it runs.
bool BeganSince(const trace::Thread& thread, uint64_t time_ns) {
  return thread.start_ns == 0 || thread.start_ns >= time_ns;
}

bool Holds(const std::vector<trace::Holding>& holding, const trace::Holding& wanted) {
  return std::any_of(holding.begin(), holding.end(), [&](const trace::Holding& held) {
    return held.lock == wanted.lock && held.acquisition == wanted.acquisition;
  });
}

class LeftBehind {
 public:
  LeftBehind(const trace::Run& run, const Moment& before)
      : run_(run), process_(run.processes[0]), before_(before) {}

  // Whether threads of the test hold something while they run.
  bool NeedsSecondLook() const {
    return std::any_of(process_.threads.begin(), process_.threads.end(),
                       [this](const trace::Thread& thread) { return IsPasserBy(thread); });
  }

  std::vector<Finding> Find(const trace::Run* second) {
    for (size_t t = 0; t < process_.threads.size(); ++t) {
      const trace::Thread& thread = process_.threads[t];
      const auto index = static_cast<Index>(t);
      const bool own = &thread == OwnThread(process_);
      for (const trace::Holding& held : thread.held) {
        if (own ? !Holds(before_.holding, held) : IsPasserBy(thread) && StillHeld(second, t, held)) {
          AddHeldLock(index, held);
        }
      }
      if ((thread.flags & kNotJoinable) == 0 && thread.joiner == trace::kNoIndex && !own &&
          BeganSince(thread, before_.time_ns)) {
        AddThread(index);
      }
    }
    for (const trace::Child& child : process_.children) {
      AddChild(child);
    }
    return std::move(findings_);
  }

 private:
  bool IsPasserBy(const trace::Thread& thread) const {
    return &thread != OwnThread(process_) && thread.live && !analyze::IsDead(thread) &&
           !thread.held.empty() && BeganSince(thread, before_.time_ns);
  }

  static bool StillHeld(const trace::Run* second, size_t thread, const trace::Holding& held) {
    const trace::Thread* again =
        second != nullptr ? analyze::At(second->processes[0].threads, static_cast<Index>(thread)) : nullptr;
    return again != nullptr && !analyze::IsDead(*again) && Holds(again->held, held);
  }

  void AddHeldLock(Index thread, const trace::Holding& held) {
    const trace::Lock* lock = analyze::At(process_.locks, held.lock);
    if (lock == nullptr || !analyze::IsReportable(*lock) || analyze::WasDestroyed(process_, held.lock)) {
      return;
    }
    FindingBuilder builder("lock-held-at-process-exit", run_, 0);
    builder.AddThread(thread);
    builder.AddHeld(0, held);
    builder.AddIdentity(held.stack);
    Finding& finding = builder.finding();
    finding.threads[0].role = "holds it at the end of the test";
    finding.title = "{thread:0} holds {lock:0} at the end of the test";
    finding.explanation =
        "{thread:0} took {lock:0} during the test and has not released it. Whatever comes next and needs it, "
        "in this "
        "thread or in another, waits for ever.";
    finding.fix =
        "Release {lock:0} on every way out of the test. A guard object (std::lock_guard, std::scoped_lock) "
        "also "
        "covers assertions that return and exceptions.";
    Add(&finding);
  }

  void AddThread(Index index) {
    const trace::Thread& thread = process_.threads[static_cast<size_t>(index)];
    const bool finished = analyze::IsDead(thread);
    FindingBuilder builder(finished ? "thread-unjoined" : "thread-running-at-exit", run_, 0);
    builder.AddThread(index);
    builder.AddIdentity(thread.create_stack);
    // Parts first: adding one moves the others.
    const int lock = builder.AddLock(thread.wait.lock);
    Finding& finding = builder.finding();
    if (lock >= 0) {
      finding.threads[0].waits.kind = thread.wait.kind;
      finding.threads[0].waits.lock = lock;
      finding.threads[0].waits.timed = thread.wait.timed;
      finding.threads[0].waits.stack = builder.Stack(thread.wait.stack);
    }
    finding.threads[0].role = finished ? "never joined" : "still running";
    finding.title = finished
                        ? "{thread:0} finished, and the test did not join or detach it"
                        : "{thread:0} still runs at the end of the test, which did not join or detach it";
    finding.explanation =
        finished
            ? "The thread is joinable and has ended, but nobody waited for it: its stack and its record stay "
              "allocated."
            : "The thread goes on while other tests run, and may use what this test has destroyed.";
    finding.fix = "Tell {thread:0} to stop and join it before the test ends; std::jthread joins by itself.";
    Add(&finding);
  }

  void AddChild(const trace::Child& child) {
    constexpr uint8_t gone = trace::kReaped | trace::kReapedInside | trace::kCreateFailed;
    siginfo_t info{};
    // Past the hooks: this question is not the program's.
    if (child.start_ns < before_.time_ns || child.pid <= 0 || (child.flags & gone) != 0 ||
        syscall(SYS_waitid, P_PID, child.pid, &info, WEXITED | WNOHANG | WNOWAIT, nullptr) != 0) {
      return;
    }
    const bool runs = info.si_pid == 0;
    if (runs && (child.flags & trace::kChildSetsid) != 0) {
      return;  // a daemon
    }
    FindingBuilder builder(runs ? "child-orphan" : "child-zombie", run_, 0);
    Finding& finding = builder.finding();
    analyze::ProcessPart part;
    part.pid = child.pid;
    part.ppid = process_.pid;
    part.command = child.exec_path.empty() ? analyze::CommandOf(process_) : child.exec_path;
    part.state = runs ? "running" : "zombie";
    part.created = builder.Stack(child.stack);
    part.created_how = analyze::HowWord(child.how);
    finding.processes.push_back(std::move(part));
    builder.AddIdentity(child.stack);
    finding.title = runs ? "{process:0} still runs at the end of the test, which did not wait for it"
                         : "{process:0} ended, and the test did not wait for it";
    finding.explanation =
        runs ? "The child goes on while other tests run, with the files, ports and locks that it has."
             : "The child ended during the test, but nobody collected its status: it stays a zombie, and a "
               "failure of "
               "it goes unnoticed.";
    finding.fix =
        "Stop the child if need be, call waitpid() for it before the test ends, and look at its status.";
    Add(&finding);
  }

  void Add(Finding* finding) {
    finding->level = Level::kError;
    finding->confidence = analyze::Confidence::kConfirmed;
    findings_.push_back(std::move(*finding));
  }

  const trace::Run& run_;
  const trace::Process& process_;
  const Moment& before_;
  std::vector<Finding> findings_;
};

}  // namespace

std::optional<trace::Run> ReadOwnRun(const std::string& trace_path) {
  std::string why;
  std::optional<trace::Process> process = trace::ReadProcess(trace_path, &why);
  if (!process.has_value()) {
    return std::nullopt;
  }
  trace::Run run;
  run.over = true;
  run.root_pid = process->pid;
  run.processes.push_back(std::move(*process));
  return run;
}

Moment Now(const trace::Run& run) {
  const trace::Thread* own = OwnThread(run.processes[0]);
  return {MonotonicNs(), own != nullptr ? own->held : std::vector<trace::Holding>{}};
}

std::vector<Finding> FindLeftBehind(const trace::Run& run, const Moment& before,
                                    const std::string& trace_path) {
  LeftBehind left(run, before);
  std::optional<trace::Run> second;
  if (left.NeedsSecondLook()) {
    std::this_thread::sleep_for(kPassing);
    second = ReadOwnRun(trace_path);
  }
  return left.Find(second.has_value() ? &*second : nullptr);
}

std::vector<Finding> FindMistakes(const trace::Run& run, const Moment& before) {
  trace::Run since = run;
  trace::Process& process = since.processes[0];
  process.events.erase(
      std::remove_if(process.events.begin(), process.events.end(),
                     [&](const trace::Event& event) { return event.time_ns < before.time_ns; }),
      process.events.end());
  for (trace::Thread& thread : process.threads) {
    if (thread.finish_ns != 0 && thread.finish_ns < before.time_ns) {
      thread.held.clear();
    }
  }
  std::vector<Finding> findings = analyze::Analyze(since);
  findings.erase(std::remove_if(findings.begin(), findings.end(),
                                [](const Finding& finding) { return finding.level != Level::kError; }),
                 findings.end());
  return findings;
}

std::string KeyOf(const trace::Run& run, const Finding& finding) {
  analyze::Content content(run);
  std::vector<std::string> stacks;
  for (const analyze::StackAt& at : finding.identity) {
    stacks.push_back(content.Stack(at.process, at.stack));
  }
  std::sort(stacks.begin(), stacks.end());
  std::string key = finding.rule->id;
  for (const std::string& stack : stacks) {
    absl::StrAppend(&key, "|", stack);
  }
  return key;
}

}  // namespace gordian::gtest
