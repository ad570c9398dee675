// `gordian watch`: follows a program that started itself under the shim, without being its parent. It has one
// descriptor of the program's, a copy of stderr, and keeps nothing else of its world alive.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/file_util.h"
#include "cli/final_report.h"
#include "cli/message.h"
#include "cli/preload.h"
#include "cli/run_folder.h"
#include "cli/signals.h"
#include "cli/watch/watcher.h"

namespace gordian::cli {
namespace {

constexpr uint64_t kMs = 1'000'000;

// Keys of GORDIAN_OPTIONS that the shim alone reads.
constexpr const char* kShimKeys[] = {"run", "drop", "children", "root", "watch", "identity", "help"};

bool IsShimKey(absl::string_view key) {
  return std::any_of(std::begin(kShimKeys), std::end(kShimKeys),
                     [&](const char* name) { return key == name; });
}

std::string HelpText() {
  std::string text = "gordian: keys of GORDIAN_OPTIONS, written key=value and joined by ':'\n";
  absl::StrAppend(&text, "  watch=0|1           start a watcher that reports (default 1); 0: record only\n");
  absl::StrAppend(&text, "  identity=auto|memory  how a lock is told from another at the same address\n");
  absl::StrAppend(&text, "  help=1              print this\n");
  for (const OptionKey& key : OptionKeys()) {
    std::string name = absl::StrCat(key.name, "=", key.value[0] == '\0' ? "0|1" : key.value);
    std::replace(name.begin(), name.end(), '-', '_');
    name.resize(std::max<size_t>(name.size(), 20), ' ');
    absl::StrAppend(&text, "  ", name, key.help, "\n");
  }
  return text;
}

Options ParseOptions(const std::string& text) {
  Options options;
  for (absl::string_view entry : absl::StrSplit(text, ':', absl::SkipEmpty())) {
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

// The shim leaves 0 and 1 closed; a file opened later must not become one of them.
void FillStandardDescriptors() {
  int fd = open("/dev/null", O_RDWR);
  while (fd >= 0 && fd < STDERR_FILENO) {
    fd = open("/dev/null", O_RDWR);
  }
  if (fd > STDERR_FILENO) {
    close(fd);
  }
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

}  // namespace

int WatchCommand(const WatchArguments& arguments) {
  FillStandardDescriptors();
  TakeSignals();
  Options options = ParseOptions(arguments.options);
  std::string why;
  auto wanted = Outputs::Open(options, STDERR_FILENO, &why);
  if (!wanted.has_value()) {
    Message(why);
    options.json.clear();
    options.text.clear();
    options.out.clear();
  }
  auto outputs = wanted.has_value() ? std::move(wanted) : Outputs::Open(options, STDERR_FILENO, &why);
  RunFolder folder = RunFolder::Adopt(arguments.run);
  std::string shim = FindShim(&why);
  Watcher watcher({&options, &folder, &*outputs, 0, {}, shim});
  watcher.SetRoot({arguments.pid, StartTicks(arguments.pid)}, {});
  Follow(&watcher, options.grace_ms);
  trace::Run run = watcher.Finish({});
  if (!outputs->out().empty() && !trace::WriteRunInfo(run, outputs->out(), &why)) {
    run.lost.push_back("the run was not kept whole: " + why);
  }
  report::Report report = JudgeRun(run, options, &watcher.live_report());
  WriteReports(std::move(report), options, &*outputs, &watcher.live_report(), {});
  return 0;
}

}  // namespace gordian::cli
