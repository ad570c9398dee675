// From a Run and its findings to a Report: names, source lines, fingerprints, coverage.
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <ctime>
#include <functional>
#include <set>
#include <string_view>
#include <tuple>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "reports/coverage.h"
#include "reports/demangle.h"
#include "reports/fingerprint.h"
#include "reports/frames.h"
#include "reports/futex_text.h"
#include "reports/glob.h"
#include "reports/merge.h"
#include "reports/names.h"
#include "reports/profile.h"
#include "reports/redact.h"
#include "reports/report.h"
#include "reports/runtimes.h"
#include "reports/snapshot.h"
#include "reports/suppressions.h"
#include "reports/symbolizer.h"

namespace gordian::report {
namespace {

using analyze::Finding;
using analyze::StackAt;
using trace::WaitKind;

const char* LevelName(analyze::Level level) {
  switch (level) {
    case analyze::Level::kError:
      return "error";
    case analyze::Level::kWarning:
      return "warning";
    case analyze::Level::kNote:
      break;
  }
  return "note";
}

std::string ModeName(trace::Mode mode) { return mode == trace::Mode::kShared ? "shared" : "exclusive"; }

template <typename T>
const T* At(const std::vector<T>& all, int index) {
  return index < 0 || static_cast<size_t>(index) >= all.size() ? nullptr : &all[index];
}

std::string Rfc3339(uint64_t real_ns) {
  const auto seconds = static_cast<time_t>(real_ns / 1000000000U);
  struct tm parts {};
  gmtime_r(&seconds, &parts);
  std::array<char, 32> text{};
  strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text.data();
}

std::string HostName() {
  std::array<char, 256> name{};
  return gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "";
}

std::string StatusText(const trace::Run& run) {
  // Where only some of its processes were ended, the program came to its own end.
  if (run.ended_by_gordian && !(run.root_status && WIFEXITED(*run.root_status))) {
    return "ended by gordian";
  }
  if (!run.root_status) {
    return run.over ? "ended" : "running";
  }
  const int status = *run.root_status;
  if (WIFSIGNALED(status)) {
    const char* name = sigabbrev_np(WTERMSIG(status));
    return name == nullptr ? absl::StrCat("killed by signal ", WTERMSIG(status))
                           : absl::StrCat("killed by SIG", name);
  }
  return absl::StrCat("exited ", WEXITSTATUS(status));
}

std::optional<int> ExitCode(const trace::Run& run) {
  if (!run.root_status) {
    return std::nullopt;
  }
  const int status = *run.root_status;
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

// A language, beside the report's.
constexpr char kCxx[] = "c++";

bool UsesCxx(const trace::Process& process) {
  return std::any_of(process.modules.begin(), process.modules.end(), [](const trace::Module& module) {
    const std::string name = BaseName(module.path);
    return name.starts_with("libstdc++.so") || name.starts_with("libc++.so");
  });
}

// Builds one finding; what all findings share (the symbolizer) outlives it.
class FindingBuilder {
 public:
  FindingBuilder(const trace::Run& run, const Finding& finding, const BuildOptions& options,
                 Symbolizer* symbolizer)
      : run_(run), finding_(finding), options_(options), symbolizer_(symbolizer) {}

  ReportFinding Build() {
    out_.rule = finding_.rule->id;
    out_.level = LevelName(finding_.level);
    out_.confidence = finding_.confidence == analyze::Confidence::kConfirmed ? "confirmed" : "potential";
    out_.count = finding_.count;
    AddLocks();
    AddProcesses();
    NameThreads();
    for (const analyze::ThreadPart& part : finding_.threads) {
      out_.threads.push_back(BuildThread(part));
    }
    AddTexts();
    AddInterleaving();
    AddIdentity();
    out_.primary = FirstPlace(out_).value_or(SourceFrame());
    return std::move(out_);
  }

 private:
  const trace::Process* ProcessAt(trace::Index index) const { return At(run_.processes, index); }

  Frames StackOf(const StackAt& at) {
    const trace::Process* process = ProcessAt(at.process);
    if (process == nullptr) {
      return {};
    }
    Frames frames = symbolizer_->ResolveStack(*process, at.stack);
    frames.erase(std::remove_if(frames.begin(), frames.end(), IsOwnFrame), frames.end());
    return frames;
  }

  // The stack as the report shows it.
  Frames Shown(const StackAt& at) {
    Frames frames = StackOf(at);
    for (SourceFrame& frame : frames) {
      frame.file = Relative(frame.file);
    }
    return frames;
  }

  std::string Relative(const std::string& file) const {
    std::string root = options_.source_root;
    if (root.empty()) {
      return file;
    }
    if (root.back() != '/') {
      root.push_back('/');
    }
    return file.starts_with(root) ? file.substr(root.size()) : file;
  }

  static std::string LockId(int index) { return index < 0 ? "" : absl::StrCat("L", index + 1); }
  static std::string ThreadId(int index) { return index < 0 ? "" : absl::StrCat("T", index + 1); }

  void AddLocks() {
    for (size_t i = 0; i < finding_.locks.size(); ++i) {
      ReportLock shown;
      shown.id = LockId(static_cast<int>(i));
      const trace::Process* process = ProcessAt(finding_.locks[i].process);
      const trace::Lock* lock = process == nullptr ? nullptr : At(process->locks, finding_.locks[i].lock);
      LockNames names{"a lock", "lock", NameSource::kAddress};
      if (lock != nullptr) {
        names = NameLock(*process, *lock, symbolizer_);
        shown.kind = KindName(*process, *lock);
        shown.address = lock->address;
        shown.created = Shown({finding_.locks[i].process, lock->create_stack});
      }
      shown.name = names.name;
      shown.lock_class = names.lock_class;
      lock_names_.push_back(std::move(names));
      out_.locks.push_back(std::move(shown));
    }
    MakeDistinct(&out_.locks);
  }

  void AddProcesses() {
    for (const analyze::ProcessPart& part : finding_.processes) {
      ReportProcess process;
      process.pid = part.pid;
      process.ppid = part.ppid;
      process.command = options_.redact ? RedactLine(part.command) : part.command;
      process.state = part.state;
      process.created_how = part.created_how;
      process.created = Shown(part.created);
      process.ended = part.ended;
      out_.processes.push_back(std::move(process));
    }
  }

  // A name without its process says little where there are several.
  bool SeveralProcesses() const {
    std::set<int32_t> pids;
    for (const trace::Process& process : run_.processes) {
      pids.insert(process.pid);
    }
    for (const trace::Observed& observed : run_.observed) {
      pids.insert(observed.pid);
    }
    return pids.size() > 1;
  }

  void NameThreads() {
    const bool several = SeveralProcesses();
    for (const analyze::ThreadPart& part : finding_.threads) {
      const trace::Process* process = ProcessAt(part.process);
      const trace::Thread* thread = process == nullptr ? nullptr : At(process->threads, part.thread);
      thread_names_.push_back(thread == nullptr ? "a thread" : ThreadName(*process, *thread, several));
    }
  }

  ReportThread BuildThread(const analyze::ThreadPart& part) {
    ReportThread shown;
    shown.id = ThreadId(static_cast<int>(out_.threads.size()));
    shown.name = thread_names_[out_.threads.size()];
    shown.role = Expand(part.role);
    const trace::Process* process = ProcessAt(part.process);
    if (const trace::Thread* thread = process == nullptr ? nullptr : At(process->threads, part.thread);
        thread != nullptr) {
      shown.pid = process->pid;
      shown.tid = thread->tid;
    }
    for (const analyze::HeldPart& held : part.holds) {
      shown.holds.push_back({LockId(held.lock), ModeName(held.mode), Shown(held.stack)});
    }
    shown.waits.kind = KindOfWait(part.waits.kind);
    shown.waits.target = WaitTarget(part.waits);
    shown.waits.mode = part.waits.mode == trace::Mode::kShared ? "shared" : "";
    shown.waits.note = part.waits.note;
    if (part.waits.kind == WaitKind::kFutex && process != nullptr) {
      const trace::Thread* thread = At(process->threads, part.thread);
      shown.waits.note = thread == nullptr ? part.waits.note : FutexText(*process, thread->wait, symbolizer_);
    }
    shown.waits.stack = Shown(part.waits.stack);
    shown.at = Shown(part.at);
    shown.created = Shown(part.created);
    return shown;
  }

  std::string WaitTarget(const analyze::WaitPart& wait) const {
    if (wait.kind == WaitKind::kJoin) {
      return ThreadId(wait.thread);
    }
    if (wait.kind == WaitKind::kProcess) {
      const analyze::ProcessPart* process = At(finding_.processes, wait.process);
      return process == nullptr ? "a child process" : absl::StrCat("pid ", process->pid);
    }
    return LockId(wait.lock);
  }

  std::string ProcessName(const ReportProcess& process) const {
    const std::string program = BaseName(process.command.substr(0, process.command.find(' ')));
    return program.empty() ? absl::StrCat("process ", process.pid)
                           : absl::StrCat(program, " (pid ", process.pid, ")");
  }

  // What stands for "{lock:1}"; nullptr-like "" when it names nothing of this finding.
  std::string Placeholder(const std::string& kind, int index) const {
    if (kind == "lock") {
      const ReportLock* lock = At(out_.locks, index);
      return lock == nullptr ? "" : lock->name;
    }
    if (kind == "wait") {
      const ReportThread* thread = At(out_.threads, index);
      return thread == nullptr || thread->waits.note.empty() ? "a system call" : thread->waits.note;
    }
    if (kind == "thread") {
      const std::string* name = At(thread_names_, index);
      return name == nullptr ? "" : *name;
    }
    const ReportProcess* process =
        kind == "process" || kind == "created" ? At(out_.processes, index) : nullptr;
    if (process == nullptr) {
      return "";
    }
    if (kind == "created") {
      return process->created.empty() ? "an unknown place" : ShortPlace(TopFrame(process->created));
    }
    return ProcessName(*process);
  }

  // The first place with a source file tells, else which libraries the process has.
  std::string Language() const {
    for (const ReportThread& thread : out_.threads) {
      for (const Frames* stack : {&thread.at, &thread.waits.stack, &thread.created}) {
        const SourceFrame frame = stack->empty() ? SourceFrame() : TopFrame(*stack);
        if (frame.language == kPython || IsPython(thread.pid)) {
          return kPython;
        }
        if (!frame.file.empty() && !frame.file.ends_with(".h")) {
          return frame.file.ends_with(".c") ? "c" : kCxx;
        }
      }
    }
    return std::any_of(finding_.threads.begin(), finding_.threads.end(),
                       [this](const auto& part) {
                         const trace::Process* process = ProcessAt(part.process);
                         return process != nullptr && UsesCxx(*process);
                       })
               ? kCxx
               : "";
  }

  bool IsPython(int32_t pid) const {
    return std::any_of(run_.processes.begin(), run_.processes.end(), [pid](const trace::Process& process) {
      return process.pid == pid && BaseName(process.executable).starts_with("python");
    });
  }

  // The words behind "python:", or "!python:", where the finding is, or is not, of a program of that
  // language; nullopt: it is no such condition.
  static std::optional<std::string> WordsFor(const std::string& language, const std::string& braced) {
    const size_t colon = braced.find(':');
    const bool negated = braced.starts_with('!');
    const std::string wanted = braced.substr(negated ? 1 : 0, colon - (negated ? 1 : 0));
    if (wanted != kCxx && wanted != kPython) {
      return std::nullopt;
    }
    return (wanted == language) != negated ? braced.substr(colon + 1) : "";
  }

  // Fills in the names once, from left to right: a name that looks like a placeholder stays as it is.
  std::string Expand(const std::string& text) const {
    std::string out;
    for (size_t at = 0; at < text.size();) {
      const size_t end = text[at] == '{' ? text.find('}', at) : std::string::npos;
      const auto words =
          end == std::string::npos ? std::nullopt : WordsFor(Language(), text.substr(at + 1, end - at - 1));
      if (words) {
        out += *words;
        at = end + 1;
        continue;
      }
      const size_t colon = end == std::string::npos ? std::string::npos : text.find(':', at);
      int index = -1;
      if (colon < end && absl::SimpleAtoi(text.substr(colon + 1, end - colon - 1), &index)) {
        if (std::string name = Placeholder(text.substr(at + 1, colon - at - 1), index); !name.empty()) {
          out += name;
          at = end + 1;
          continue;
        }
      }
      out.push_back(text[at++]);
    }
    return out;
  }

  void AddTexts() {
    out_.title = Expand(finding_.title);
    out_.explanation = Expand(finding_.explanation);
    out_.fix = Expand(finding_.fix);
    for (const analyze::Condition& condition : finding_.conditions) {
      out_.conditions.push_back({condition.name, condition.holds, Expand(condition.because)});
    }
    for (const std::string& behind : finding_.behind) {
      out_.behind.push_back(Expand(behind));
    }
  }

  void AddInterleaving() {
    for (const analyze::Step& step : finding_.interleaving) {
      ReportStep shown;
      shown.step = static_cast<int>(out_.interleaving.size()) + 1;
      shown.thread = ThreadId(step.thread);
      shown.action = Expand(step.action);
      shown.lock = LockId(step.lock);
      if (const Frames stack = Shown(step.stack); !stack.empty()) {
        shown.frame = TopFrame(stack);
      }
      out_.interleaving.push_back(std::move(shown));
    }
  }

  void AddIdentity() {
    Identity identity;
    identity.rule = out_.rule;
    for (size_t i = 0; i < lock_names_.size(); ++i) {
      // Who locks a lock first is the schedule's choice: its stack must not tell one run from the next.
      const bool by_schedule = lock_names_[i].source == NameSource::kFirstLocked;
      identity.cycle.push_back(by_schedule ? out_.locks[i].kind : lock_names_[i].lock_class);
    }
    std::string function;
    std::string place;
    for (const StackAt& at : finding_.identity) {
      const trace::Process* process = ProcessAt(at.process);
      const Frames stack = StackOf(at);
      if (process == nullptr || stack.empty()) {
        continue;
      }
      identity.stacks.push_back(IdentifyingFunctions(stack, process->executable));
      const SourceFrame& frame = TopFrame(stack);
      if (function.empty()) {
        function = WithoutTemplateArguments(frame.function);
      }
      if (place.empty() && !frame.module.empty()) {
        place = ShortPlace(frame);
      }
    }
    if (identity.stacks.empty()) {
      for (const ReportProcess& process : out_.processes) {
        identity.stacks.push_back({BaseName(process.command.substr(0, process.command.find(' ')))});
      }
    }
    if (!finding_.subject.empty()) {
      identity.stacks.push_back({finding_.subject});
    }
    out_.fingerprint = Fingerprint(identity);
    out_.suppression = SuppressionLine(out_.rule, SuppressionPattern(function, place), out_.fingerprint);
  }

  // What lasts longest comes first: names of locks where all have names of their own (descriptions hold line
  // numbers), a function, the program's name, and only then an offset, which the next build moves.
  std::string SuppressionPattern(const std::string& function, const std::string& place) const {
    const bool named =
        !lock_names_.empty() && std::all_of(lock_names_.begin(), lock_names_.end(), [](const auto& n) {
          return n.source == NameSource::kUser || n.source == NameSource::kSymbol;
        });
    if (named) {
      std::vector<std::string> cycle;
      for (const LockNames& names : lock_names_) {
        cycle.push_back(GlobOf(names.name));
      }
      return absl::StrJoin(NormalRotation(cycle), " -> ");
    }
    if (!function.empty()) {
      return GlobOf(function);
    }
    if (!out_.processes.empty()) {
      const std::string& command = out_.processes.back().command;
      return GlobOf(BaseName(command.substr(0, command.find(' '))));
    }
    return place.empty() ? "*" : GlobOf(place);
  }

  const trace::Run& run_;
  const Finding& finding_;
  const BuildOptions& options_;
  Symbolizer* symbolizer_;
  ReportFinding out_;
  std::vector<LockNames> lock_names_;
  std::vector<std::string> thread_names_;
};

// So many pairs of stacks are looked at to learn which functions are lock wrappers: symbols cost time.
constexpr size_t kMostLessons = 2000;

// Where threads held locks while they locked more, what the findings are about first.
void LearnWrappers(const trace::Run& run, const std::vector<Finding>& findings, Symbolizer* symbolizer) {
  std::set<std::tuple<trace::Index, trace::Index, trace::Index>> known;
  const auto learn = [&](trace::Index process, trace::Index held, trace::Index later) {
    if (known.size() < kMostLessons && known.emplace(process, held, later).second) {
      symbolizer->LearnWrappers(run.processes[static_cast<size_t>(process)], held, later);
    }
  };
  for (const Finding& finding : findings) {
    for (const analyze::ThreadPart& part : finding.threads) {
      for (const analyze::HeldPart& held : part.holds) {
        for (const StackAt& later : {part.waits.stack, part.at}) {
          if (At(run.processes, held.stack.process) != nullptr && later.process == held.stack.process) {
            learn(later.process, held.stack.stack, later.stack);
          }
        }
      }
    }
  }
  for (size_t p = 0; p < run.processes.size() && !findings.empty(); ++p) {
    for (const trace::Dependency& dependency : run.processes[p].dependencies) {
      for (const trace::Holding& held : dependency.held) {
        learn(static_cast<trace::Index>(p), held.stack, dependency.stack);
      }
    }
  }
}

}  // namespace

ReportSummary Report::Summary() const {
  ReportSummary summary;
  for (const ReportFinding& finding : findings) {
    ++(finding.status == "suppressed" ? summary.suppressed
       : finding.status == "baseline" ? summary.baseline
       : finding.level == "error"     ? summary.errors
       : finding.level == "warning"   ? summary.warnings
                                      : summary.notes);
  }
  return summary;
}

Report BuildReport(const trace::Run& run, const std::vector<Finding>& findings, const BuildOptions& options) {
  Report report;
  report.run.command = options.redact ? RedactCommand(run.command) : run.command;
  report.run.started = Rfc3339(run.start_real_ns);
  report.run.seconds = static_cast<double>(run.duration_ns) / 1e9;
  report.run.status = StatusText(run);
  report.run.exit_code = ExitCode(run);
  report.run.host = HostName();
  report.run.version = GORDIAN_VERSION;
  Symbolizer symbolizer({"/usr/lib/debug"}, options.wrappers);
  LearnWrappers(run, findings, &symbolizer);
  FindingMerger merger(options.near_misses);
  for (const Finding& finding : findings) {
    merger.Add(FindingBuilder(run, finding, options, &symbolizer).Build());
  }
  report.findings = merger.Take();
  std::erase_if(report.findings, IsHabitOfRuntime);
  report.profile = BuildProfile(run, &symbolizer);
  if (options.snapshot) {
    report.snapshot = BuildSnapshot(run, options, &symbolizer);
  }
  report.coverage = Coverage(run, symbolizer.Complaints(), options.redact);
  return report;
}

}  // namespace gordian::report
