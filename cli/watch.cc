// `gordian watch`: follows a program that started itself under the shim, without being its parent. It has one
// descriptor of the program's, a copy of stderr, and keeps nothing else of its world alive.
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <ctime>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/file_util.h"
#include "cli/final_report.h"
#include "cli/known.h"
#include "cli/message.h"
#include "cli/preload.h"
#include "cli/run_folder.h"
#include "cli/signals.h"
#include "cli/watch/watcher.h"
#include "libsync/inspect/proc.h"

namespace gordian::cli {
namespace {

struct WatchArguments {
  int32_t pid = 0;
  uint64_t started = 0;  // in ticks after boot: the process may be gone before anybody can look
  std::string run;
  std::string options;  // the value of GORDIAN_OPTIONS as the user wrote it
};

constexpr uint64_t kMs = 1'000'000;

// Keys of GORDIAN_OPTIONS that the shim alone reads.
constexpr const char* kShimKeys[] = {"run",   "drop",     "keeper", "children", "root",
                                     "watch", "identity", "take",   "help"};

bool IsShimKey(absl::string_view key) {
  return std::any_of(std::begin(kShimKeys), std::end(kShimKeys),
                     [&](const char* name) { return key == name; });
}

std::string HelpText() {
  std::vector<std::pair<std::string, std::string>> rows = {
      {"watch=0|1", "start a watcher that reports (default 1); 0: record only"},
      {"identity=auto|memory", "how a lock is told from another at the same address"},
      {"take=auto|libc",
       "who takes a lock that is free: the hook, as libc would, or libc (for probes inside it)"},
      {"help=1", "print this"},
  };
  size_t widest = 0;
  for (const OptionKey& key : OptionKeys()) {
    std::string name = absl::StrCat(key.name, "=", key.value[0] == '\0' ? "0|1" : key.value);
    std::replace(name.begin(), name.end(), '-', '_');
    rows.emplace_back(std::move(name), key.help);
  }
  for (const auto& [name, help] : rows) {
    widest = std::max(widest, name.size());
  }
  std::string text = "gordian: keys of GORDIAN_OPTIONS, written key=value and joined by ':'\n";
  for (const auto& [name, help] : rows) {
    absl::StrAppend(&text, "  ", name, std::string(widest + 2 - name.size(), ' '), help, "\n");
  }
  return text;
}

// Entries end at a colon, but for those within the name of a C++ function: "wrapper=Storage::With*".
std::vector<std::string> SplitOptions(const std::string& text) {
  std::vector<std::string> entries;
  bool joined = false;  // an empty piece came: the colon before it and the one behind it stand together
  for (const absl::string_view piece : absl::StrSplit(text, ':')) {
    const bool is_name = !entries.empty() && absl::StartsWith(entries.back(), "wrapper=");
    if (joined && is_name && !absl::StrContains(piece, '=') && !piece.empty()) {
      absl::StrAppend(&entries.back(), "::", piece);
    } else if (!piece.empty()) {
      entries.emplace_back(piece);
    }
    joined = piece.empty();
  }
  return entries;
}

Options ParseOptions(const std::string& text) {
  Options options;
  for (const std::string& entry : SplitOptions(text)) {
    std::string key(entry.substr(0, entry.find('=')));
    std::string value(entry.substr(std::min(entry.size(), key.size() + 1)));
    if (key == "help" && value != "0") {
      WriteAll(STDERR_FILENO, HelpText());
    }
    if (IsShimKey(key)) {
      continue;
    }
    const OptionKey* known = FindOptionKey(key);
    std::string problem = known == nullptr ? "unknown key" : known->set(&options, value);
    // It runs in somebody's service: a wrong entry must not take the whole report away.
    if (!problem.empty()) {
      Message(absl::StrCat("GORDIAN_OPTIONS: ", key, ": ", problem));
    }
  }
  return options;
}

void SleepUntil(uint64_t until_ns) {
  timespec until{static_cast<time_t>(until_ns / 1'000'000'000), static_cast<long>(until_ns % 1'000'000'000)};
  clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr);
}

// pid 1 of a container waits at its exit until the watcher has reported: its trace says that it is over.
bool RootHasEnded(const Watcher& watcher) {
  const ProcessId& root = watcher.root();
  if (!IsAlive(root)) {
    return true;
  }
  if (root.first != 1) {
    return false;
  }
  const LiveTrace* trace = watcher.traces().FindLive(root.first);
  return trace != nullptr && trace->header.end != static_cast<uint32_t>(trace::End::kNone) &&
         trace->header.end != static_cast<uint32_t>(trace::End::kExec);
}

void Follow(Watcher* watcher, uint64_t grace_ms) {
  uint64_t ended_ns = 0;
  for (;;) {
    uint64_t now_ns = NowNs();
    if (now_ns >= watcher->NextTick()) {
      watcher->Tick(now_ns);
    }
    if (ended_ns == 0 && RootHasEnded(*watcher)) {
      ended_ns = now_ns;
    }
    if (ended_ns != 0) {
      // The container of a pid 1 ends with it.
      if (watcher->root().first == 1) {
        return;
      }
      watcher->LookAtProcesses(now_ns);
      if (watcher->tree().Living().empty() || now_ns - ended_ns >= grace_ms * kMs) {
        return;
      }
    }
    SleepUntil(std::min(watcher->NextTick(), now_ns + 250 * kMs));
  }
}

// How the root ended, as wait(2) would give it to its parent, which the watcher is not: as far as its last
// image said so itself.
std::optional<int> RootStatus(const trace::Run& run, const ProcessId& root) {
  const trace::Process* last = nullptr;
  for (const trace::Process& process : run.processes) {
    bool is_root = process.pid == root.first && process.start_ticks == root.second;
    if (is_root && (last == nullptr || process.image > last->image)) {
      last = &process;
    }
  }
  if (last == nullptr) {
    return std::nullopt;
  }
  switch (last->end) {
    case trace::End::kExit:
    case trace::End::kRawExit:
    case trace::End::kQuickExit:
      return W_EXITCODE(static_cast<int>(last->end_detail & 0xFF), 0);
    case trace::End::kAbort:
      return W_EXITCODE(0, SIGABRT);
    case trace::End::kExec:
    case trace::End::kNone:
      break;
  }
  return std::nullopt;
}

int WatchCommand(const WatchArguments& arguments) {
  TakeSignals();
  Options options = ParseOptions(arguments.options);
  std::string why;
  options.known = KnownFindings::Load(options, &why);
  if (options.known == nullptr) {
    Message(why);
  }
  const auto stat = inspect::ReadStat(arguments.pid);
  const Subject subject{arguments.pid, stat.has_value() ? stat->comm : ""};
  auto wanted = Outputs::Open(options, subject, STDERR_FILENO, &why);
  if (!wanted.has_value()) {
    Message(why);
    options.files.clear();
    options.text.clear();
    options.out.clear();
  }
  auto outputs =
      wanted.has_value() ? std::move(wanted) : Outputs::Open(options, subject, STDERR_FILENO, &why);
  RunFolder folder = RunFolder::Adopt(arguments.run);
  std::string shim = FindShim(&why);
  std::set<pid_t> not_ours;
  if (arguments.pid == 1) {
    not_ours.insert(getppid());  // the keeper, a child of pid 1: see preload/watcher.cc
    not_ours.erase(1);
  }
  Watcher watcher({&options, &folder, &*outputs, 0, not_ours, shim});
  watcher.SetRoot({arguments.pid, arguments.started}, {});
  Follow(&watcher, options.grace_ms);
  trace::Run run = watcher.Finish(std::nullopt);
  run.root_status = RootStatus(run, watcher.root());
  for (trace::Observed& observed : run.observed) {
    // A pid 1 is still there because it waits for the report.
    if (observed.pid == 1 && arguments.pid == 1 && run.root_status.has_value()) {
      observed.alive_at_end = false;
    }
  }
  if (!outputs->out().empty() && !trace::WriteRunInfo(run, outputs->out(), &why)) {
    run.lost.push_back("the run was not kept whole: " + why);
  }
  report::Report report = JudgeRun(run, options, &watcher.live_report());
  if (run.root_status.has_value()) {
    report.exit_code = DecideEnding(*run.root_status, EndedBy::kItself, false, options).exit_code;
  }
  WriteFiles(&report, &*outputs);
  WriteText(std::move(report), *outputs, &watcher.live_report());
  return 0;
}

}  // namespace

void RegisterWatch(CommandParser* line) {
  const auto arguments = std::make_shared<WatchArguments>();
  Subcommand watch;
  watch.name = "watch";
  watch.help = "watch a program that started itself under the shim";
  watch.arguments = {
      {"--pid", "PID", "", SetPid(&arguments->pid), false, true},
      {"--started", "TICKS", "", SetNumber(&arguments->started), false, true},
      {"--run", "DIR", "", SetText(&arguments->run), false, true},
      {"--options", "TEXT", "", SetText(&arguments->options)},
  };
  watch.run = [arguments](const Invocation& /*invocation*/) { return WatchCommand(*arguments); };
  watch.hidden = true;
  watch.without_proc = kExitGordian;
  line->Add(std::move(watch));
}

}  // namespace gordian::cli
