#include "reports/snapshot.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "libsync/analyze/lookup.h"
#include "libsync/analyze/verdict.h"
#include "reports/coverage.h"
#include "reports/frames.h"
#include "reports/futex_text.h"
#include "reports/names.h"
#include "reports/redact.h"
#include "reports/text_frames.h"
#include "reports/text_style.h"

namespace gordian::report {
namespace {

using analyze::At;
using analyze::Verdict;
using trace::WaitKind;

// So many threads of one place are named; of the others, how many there are.
constexpr size_t kNamedThreads = 8;
// And so many locks of one thread.
constexpr size_t kNamedLocks = 4;

const char* VerdictName(Verdict verdict) {
  switch (verdict) {
    case Verdict::kDeadlock:
      return "deadlock";
    case Verdict::kOwnerGone:
      return "owner gone";
    case Verdict::kWaitingOutside:
      return "waiting outside";
    case Verdict::kPolling:
      return "polling";
    case Verdict::kProgressing:
      break;
  }
  return "progressing";
}

// Who holds what several processes share, over all of them.
using SharedHolders = std::map<trace::SharedIdentity, std::vector<std::string>>;

SharedHolders HoldersOf(const trace::Run& run) {
  SharedHolders holders;
  for (const trace::Process& process : run.processes) {
    for (const trace::Thread& thread : process.threads) {
      for (const trace::Holding& held : thread.held) {
        const trace::Lock* lock = At(process.locks, held.lock);
        if (lock != nullptr && lock->shared && !process.ended) {
          holders[*lock->shared].push_back(ThreadName(process, thread, true));
        }
      }
    }
  }
  return holders;
}

class ProcessSnapshot {
 public:
  ProcessSnapshot(const trace::Process& process, const SharedHolders& shared, Symbolizer* symbolizer)
      : process_(process), shared_(shared), symbolizer_(symbolizer) {
    for (const trace::Thread& thread : process.threads) {
      for (const trace::Holding& held : thread.held) {
        holders_[held.lock].push_back(absl::StrCat(ThreadName(process, thread, false),
                                                   thread.polls ? ", which polls at one place" : ""));
      }
    }
  }

  ReportTask Task(const trace::Thread& thread, Verdict verdict) {
    ReportTask task;
    task.tid = thread.tid;
    task.name = ThreadName(process_, thread, false);
    task.verdict = VerdictName(verdict);
    if (thread.state == trace::ThreadState::kFinished) {
      task.what = "has ended";
      return task;
    }
    task.kind = KindOfWait(thread.wait.kind);
    task.what = absl::StrCat(What(thread.wait), Held(thread));
    task.timed = thread.wait.timed;
    task.stack = symbolizer_->ResolveStack(process_, thread.wait.stack);
    return task;
  }

 private:
  std::string LockText(trace::Index index) {
    const trace::Lock* lock = At(process_.locks, index);
    if (lock == nullptr) {
      return "a lock";
    }
    const LockNames names = NameLock(process_, *lock, symbolizer_);
    const bool needs_kind = names.source == NameSource::kSymbol || names.source == NameSource::kUser;
    // What a thread of a script waits for in a queue, an event or their kin stands there in words.
    const bool in_words =
        names.in_words || lock->of_library || (lock->script && lock->kind == trace::LockKind::kSemaphore);
    return needs_kind && !in_words ? absl::StrCat(KindName(process_, *lock), " ", names.name) : names.name;
  }

  // "; holds mutex a, taken at cache.cc:12".
  std::string Held(const trace::Thread& thread) {
    std::string text;
    for (size_t h = 0; h < thread.held.size() && h < kNamedLocks; ++h) {
      absl::StrAppend(&text, h == 0 ? "; holds " : "; ", LockText(thread.held[h].lock));
      const Frames stack = symbolizer_->ResolveStack(process_, thread.held[h].stack);
      if (!stack.empty()) {
        absl::StrAppend(&text, ", taken at ", ShortPlace(TopFrame(stack)));
      }
    }
    if (thread.held.size() > kNamedLocks) {
      absl::StrAppend(&text, "; and ", thread.held.size() - kNamedLocks, " more");
    }
    return text;
  }

  std::string Futex(const trace::Wait& wait) {
    if (const std::string waiter = StandardWait(process_, wait, symbolizer_); !waiter.empty()) {
      return absl::StrCat("is in ", FutexText(process_, wait, symbolizer_));
    }
    const std::string variable = VariableAt(process_, wait.address, symbolizer_);
    return absl::StrCat(
        "waits for a futex ",
        variable.empty() ? absl::StrCat("at 0x", absl::Hex(wait.address)) : absl::StrCat("in ", variable),
        " whose owner is not known");
  }

  std::string HeldBy(const trace::Wait& wait) const {
    std::string holders = wait.held_by;
    const trace::Lock* lock = At(process_.locks, wait.lock);
    if (const auto own = holders_.find(wait.lock); own != holders_.end()) {
      holders = absl::StrJoin(own->second, ", ");
    } else if (lock != nullptr && lock->shared && shared_.contains(*lock->shared)) {
      holders = absl::StrJoin(shared_.at(*lock->shared), ", ");
    }
    return holders.empty() ? "" : absl::StrCat(", held by ", holders);
  }

  std::string What(const trace::Wait& wait) {
    switch (wait.kind) {
      case WaitKind::kLock: {
        return absl::StrCat("waits for ", LockText(wait.lock), HeldBy(wait));
      }
      case WaitKind::kCondition:
        return absl::StrCat("waits on ", LockText(wait.lock));
      case WaitKind::kBarrier:
        return absl::StrCat("waits at ", LockText(wait.lock));
      case WaitKind::kJoin: {
        const trace::Thread* joined = At(process_.threads, wait.thread);
        return absl::StrCat("joins ", joined == nullptr ? "a thread" : ThreadName(process_, *joined, false));
      }
      case WaitKind::kProcess:
        return wait.value > 0 ? absl::StrCat("waits for child ", wait.value) : "waits for a child";
      case WaitKind::kFutex:
        return Futex(wait);
      case WaitKind::kSleep:
        return "sleeps";
      case WaitKind::kCall:
        return absl::StrCat("is in ", wait.note, HeldBy(wait));
      case WaitKind::kNone:
        break;
    }
    return "runs";
  }

  const trace::Process& process_;
  const SharedHolders& shared_;
  Symbolizer* symbolizer_;
  std::map<trace::Index, std::vector<std::string>> holders_;
};

// What makes two threads one line.
std::string PlaceOf(const ReportTask& task) {
  std::string place = absl::StrCat(task.verdict, "|", task.what, "|", task.timed);
  for (const SourceFrame& frame : task.stack) {
    absl::StrAppend(&place, "|", frame.module, "+", frame.offset, frame.function);
  }
  return place;
}

Tone ToneOf(const std::string& verdict) {
  if (verdict == "deadlock" || verdict == "owner gone") {
    return Tone::kError;
  }
  return verdict == "progressing" ? Tone::kNote : Tone::kBold;
}

std::string Upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return text;
}

std::string GroupText(const std::vector<const ReportTask*>& tasks, const TextOptions& options) {
  const ReportTask& first = *tasks.front();
  std::vector<std::string> names;
  for (size_t t = 0; t < tasks.size() && t < kNamedThreads; ++t) {
    names.push_back(tasks[t]->name);
  }
  std::string who = absl::StrJoin(names, ", ");
  if (tasks.size() > names.size()) {
    absl::StrAppend(&who, " and ", tasks.size() - names.size(), " more");
  }
  const std::string verdict = Upper(first.verdict);
  std::string text = Wrap("  ", 4,
                          absl::StrCat(verdict, "  ", who, ": ", first.what,
                                       first.timed && first.kind != "sleep" ? ", with a timeout" : ""),
                          options);
  text.replace(2, verdict.size(), Paint(verdict, ToneOf(first.verdict), options.color));
  return text + StackText(first.stack, "    ", options);
}

}  // namespace

std::vector<ReportSnapshot> BuildSnapshot(const trace::Run& run, const BuildOptions& options,
                                          Symbolizer* symbolizer) {
  const std::vector<std::vector<Verdict>> verdicts = analyze::ThreadVerdicts(run);
  const SharedHolders shared = HoldersOf(run);
  std::vector<ReportSnapshot> snapshots;
  for (size_t p = 0; p < run.processes.size(); ++p) {
    const trace::Process& process = run.processes[p];
    ReportSnapshot snapshot;
    snapshot.pid = process.pid;
    snapshot.ppid = process.ppid;
    const std::string command =
        process.command.empty() ? process.executable : absl::StrJoin(process.command, " ");
    snapshot.command = options.redact ? RedactLine(command) : command;
    ProcessSnapshot builder(process, shared, symbolizer);
    for (size_t t = 0; t < process.threads.size(); ++t) {
      // An owner that is gone is no thread of the process any more.
      if (!process.threads[t].gone) {
        snapshot.threads.push_back(builder.Task(process.threads[t], verdicts[p][t]));
      }
    }
    snapshots.push_back(std::move(snapshot));
  }
  return snapshots;
}

std::string SnapshotText(const Report& report, const TextOptions& options) {
  std::string out;
  for (const ReportSnapshot& process : report.snapshot) {
    absl::StrAppend(&out, out.empty() ? "" : "\n",
                    Paint(Wrap("", 2,
                               absl::StrCat("pid ", process.pid, " ", process.command, ": ",
                                            Plural(process.threads.size(), "thread", "threads")),
                               options),
                          Tone::kBold, options.color));
    std::vector<std::pair<std::string, std::vector<const ReportTask*>>> groups;
    std::map<std::string, size_t> known;
    for (const ReportTask& task : process.threads) {
      const auto [place, is_new] = known.try_emplace(PlaceOf(task), groups.size());
      if (is_new) {
        groups.emplace_back(task.verdict, std::vector<const ReportTask*>());
      }
      groups[place->second].second.push_back(&task);
    }
    for (const auto& [verdict, tasks] : groups) {
      out += GroupText(tasks, options);
    }
  }
  return out;
}

std::string SnapshotToText(const Report& report, const TextOptions& options) {
  return SnapshotText(PrintableReport(report), options);
}

}  // namespace gordian::report
