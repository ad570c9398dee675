#include "cli/watch/unseen.h"

#include <fnmatch.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "cli/file_util.h"
#include "libsync/inspect/elf_kind.h"

namespace gordian::cli {
namespace {

// A new image needs a moment to open its trace.
constexpr uint64_t kYoungNs = 300'000'000;
constexpr char kRemoved[] = "LD_PRELOAD was removed from its environment";

std::string BaseName(const std::string& path) { return path.substr(path.rfind('/') + 1); }

bool MatchesAny(const std::vector<std::string>& globs, const std::string& name) {
  return std::any_of(globs.begin(), globs.end(),
                     [&](const std::string& glob) { return fnmatch(glob.c_str(), name.c_str(), 0) == 0; });
}

// It has loaded the shim, or was asked to. The mapping is looked for first: a program that writes its title
// over its arguments (setproctitle) writes over its environment too.
bool HasPreload(pid_t pid, const std::string& shim) {
  if (absl::StrContains(ReadSmallFile(absl::StrCat("/proc/", pid, "/maps"), 4 << 20), BaseName(shim))) {
    return true;
  }
  std::string environment = ReadSmallFile(absl::StrCat("/proc/", pid, "/environ"), 1 << 20);
  for (absl::string_view entry : absl::StrSplit(environment, '\0')) {
    if (absl::StartsWith(entry, "LD_PRELOAD=")) {
      return absl::StrContains(entry, shim);
    }
  }
  return false;
}

}  // namespace

std::string WhyNotRecordable(const std::string& program) {
  inspect::Executable executable = inspect::Classify(program);
  if (executable.kind == inspect::ExecutableKind::kUnreadable) {
    return "";
  }
  return inspect::WhyUnseen(executable, getuid(), getgid());
}

std::string UnseenProcesses::LeftOut(const std::string& program, bool is_root) const {
  if (!options_->children && !is_root) {
    return "left out by --no-children";
  }
  std::string name = BaseName(program);
  if (MatchesAny(options_->skip, name)) {
    return "left out by --skip";
  }
  if (!options_->only.empty() && !MatchesAny(options_->only, name)) {
    return "left out by --only";
  }
  return "";
}

std::string UnseenProcesses::WhyLiving(const SeenProcess& process, const ProcessTree& tree) const {
  pid_t pid = process.stat.pid;
  auto program = inspect::ReadExecutable(pid);
  if (!program.has_value()) {
    return "";
  }
  const SeenProcess* creator = tree.Find(process.creator);
  auto creators = creator == nullptr ? std::nullopt : inspect::ReadExecutable(creator->stat.pid);
  // It runs its creator's program with its creator's arguments: forked, and not worth a trace so far.
  bool forked = creators == program && creator->observed.command == process.observed.command;
  if (forked) {
    return "";
  }
  std::string why = LeftOut(*program, IdOf(process.stat) == root_);
  if (why.empty()) {
    why = WhyNotRecordable(absl::StrCat("/proc/", pid, "/exe"));
  }
  if (why.empty() && !HasPreload(pid, shim_)) {
    why = kRemoved;
  }
  return why;
}

void UnseenProcesses::Look(uint64_t now_ns, const TraceSet& traces, ProcessTree* tree) const {
  for (const SeenProcess* process : tree->Living()) {
    ProcessId id = IdOf(process->stat);
    bool young = now_ns - process->first_seen_ns < kYoungNs;
    // Asked once a program: its name changes when it execs another.
    if (young || process->unseen_comm == process->stat.comm || traces.FindLive(id.first) != nullptr) {
      continue;
    }
    tree->SetUnseen(id, WhyLiving(*process, *tree));
  }
}

std::string UnseenProcesses::WhyGone(const ProcessId& id, const std::string& program,
                                     const std::string& creator, std::optional<int32_t> status) const {
  std::string why = LeftOut(program, id == root_);
  if (why.empty() && !creator.empty() && creator == inspect::ReadExecutable(getpid())) {
    why = "another gordian started it, which has a report of its own";
  }
  if (why.empty() && !program.empty()) {
    why = WhyNotRecordable(program);
  }
  if (!why.empty()) {
    return why;
  }
  if (status.has_value() && WIFSIGNALED(*status)) {
    const char* name = sigabbrev_np(WTERMSIG(*status));
    return absl::StrCat(
        "it left no trace; ",
        name == nullptr ? absl::StrCat("signal ", WTERMSIG(*status)) : absl::StrCat("SIG", name),
        " may have ended it before it began");
  }
  return absl::StrCat("it left no trace; perhaps ", kRemoved);
}

}  // namespace gordian::cli
