#include "cli/watch/trace_set.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "cli/file_util.h"
#include "cli/message.h"

namespace gordian::cli {
namespace {

// A header may say kExec although the exec then failed; the recorder takes it back within microseconds.
constexpr uint64_t kExecSettledNs = 500'000'000;
// A trace without a whole header after this time will not get one; nor will a process of another pid
// namespace be found later.
constexpr uint64_t kUnfinishedNs = 500'000'000;

std::string NameOf(const std::string& path) { return path.substr(path.rfind('/') + 1); }

pid_t OuterPid(const trace::FileHeader& header, const ProcessTree& tree) {
  for (const SeenProcess* process : tree.Living()) {
    if (process->stat.start_ticks == header.start_ticks &&
        PidNamespace(process->stat.pid) == header.pid_namespace &&
        InnerPid(process->stat.pid) == header.pid) {
      return process->stat.pid;
    }
  }
  return 0;
}

}  // namespace

TraceSet::TraceSet(std::string run, std::string drop, std::string out)
    : run_(std::move(run)),
      drop_(std::move(drop)),
      out_(std::move(out)),
      own_pid_namespace_(PidNamespace(getpid())) {}

void TraceSet::Look(uint64_t now_ns, const ProcessTree& tree) {
  for (const std::string& path : trace::ListTraces(run_)) {
    LookAt(path, false, now_ns, tree);
  }
  if (drop_.empty()) {
    return;
  }
  for (const std::string& path : trace::ListTraces(drop_)) {
    LookAt(path, true, now_ns, tree);
  }
}

void TraceSet::LookAt(const std::string& path, bool any_owner, uint64_t now_ns, const ProcessTree& tree) {
  if (unreadable_.contains(path)) {
    return;
  }
  std::string why;
  auto header = trace::ReadHeader(path, &why, any_owner);
  auto [it, is_new] = live_.try_emplace(path);
  LiveTrace& trace = it->second;
  if (is_new) {
    trace.path = path;
    trace.any_owner = any_owner;
    trace.first_seen_ns = now_ns;
  }
  if (!header.has_value()) {
    // A new file has no header for a moment: only one that stays so is damaged.
    if (trace.header.pid == 0 && now_ns - trace.first_seen_ns > kUnfinishedNs) {
      Lose(path, why);
    }
    return;
  }
  trace.header = *header;
  trace.foreign_pids = header->pid_namespace != own_pid_namespace_;
  if (trace.foreign_pids) {
    foreign_programs_.insert(header->executable);
  }
  if (!trace.foreign_pids) {
    trace.pid = header->pid;
  } else if (trace.pid == 0) {
    trace.pid = OuterPid(*header, tree);
  }
  uint64_t& newest = newest_image_ns_[{trace.pid, header->start_ticks}];
  newest = std::max(newest, header->start_mono_ns);
  bool exec = header->end == static_cast<uint32_t>(trace::End::kExec);
  if (!exec) {
    trace.exec_seen_ns = 0;
  }
  if (exec && trace.exec_seen_ns == 0) {
    trace.exec_seen_ns = now_ns;
  }
}

bool TraceSet::HasEnded(LiveTrace* trace, uint64_t now_ns) const {
  if (trace->header.pid == 0) {
    return false;
  }
  if (trace->pid == 0) {
    return now_ns - trace->first_seen_ns > kUnfinishedNs;
  }
  if (!IsAlive({trace->pid, trace->header.start_ticks})) {
    return true;
  }
  if (trace->exec_seen_ns == 0) {
    return false;
  }
  return !IsNewestImage({trace->pid, trace->header.start_ticks}, trace->header.start_mono_ns) ||
         now_ns - trace->exec_seen_ns >= kExecSettledNs;
}

size_t TraceSet::FoldEnded(uint64_t now_ns) {
  size_t before = ended_.size();
  for (auto it = live_.begin(); it != live_.end();) {
    if (HasEnded(&it->second, now_ns)) {
      Fold(&it->second);
      it = live_.erase(it);
    } else {
      ++it;
    }
  }
  return ended_.size() - before;
}

std::optional<trace::Process> TraceSet::Read(const LiveTrace& trace) {
  std::string why;
  auto process = trace::ReadProcess(trace.path, &why, trace.any_owner);
  if (!process.has_value()) {
    Lose(trace.path, why);
  }
  if (process.has_value() && trace.foreign_pids) {
    foreign_traces_.insert(process->trace_file);
    process->pid = trace.pid != 0 ? trace.pid : process->pid;
  }
  return process;
}

void TraceSet::Fold(LiveTrace* trace) {
  // It wrote on after the last look.
  std::string why;
  if (auto header = trace::ReadHeader(trace->path, &why, trace->any_owner)) {
    trace->header = *header;
  }
  auto process = Read(*trace);
  if (process.has_value()) {
    trace::MarkEnded(&*process);
    ended_.push_back(std::move(*process));
  }
  Keep(*trace);
  unlink(trace->path.c_str());
}

void TraceSet::Keep(const LiveTrace& trace) {
  if (out_.empty()) {
    return;
  }
  // Whoever changed the user cannot see the images before: numbers, and so names, may come twice.
  const std::string user = trace.any_owner ? absl::StrCat("user-", trace.header.uid, "-") : "";
  std::string target = absl::StrCat(out_, "/", user, NameOf(trace.path));
  if (!CopyFile(trace.path, target, trace.header.used)) {
    Lose(trace.path, ErrnoText("it was not kept: " + target));
  }
}

void TraceSet::CopyLive() {
  for (const auto& [path, trace] : live_) {
    if (trace.header.pid != 0) {
      Keep(trace);
    }
  }
}

void TraceSet::GiveUpUnreadable() {
  for (const auto& [path, trace] : live_) {
    std::string why;
    if (trace.header.pid == 0 && !trace::ReadHeader(path, &why, trace.any_owner).has_value()) {
      Lose(path, why);
    }
  }
}

void TraceSet::Lose(const std::string& path, const std::string& why) {
  if (unreadable_.insert(path).second) {
    lost_.push_back(absl::StrCat("trace ", NameOf(path), ": ", why));
  }
}

const LiveTrace* TraceSet::FindLive(pid_t pid) const {
  const LiveTrace* newest = nullptr;
  for (const auto& [path, trace] : live_) {
    if (trace.pid == pid && trace.header.pid != 0 &&
        (newest == nullptr || trace.header.start_mono_ns > newest->header.start_mono_ns)) {
      newest = &trace;
    }
  }
  return newest;
}

bool TraceSet::WasTracedPid(pid_t pid) const {
  auto it = newest_image_ns_.lower_bound({pid, 0});
  return it != newest_image_ns_.end() && it->first.first == pid;
}

bool TraceSet::WasTracedElsewhere(const std::string& program) const {
  // A trace has the file itself, a call of exec perhaps a link to it.
  std::error_code error;
  const std::string file = std::filesystem::canonical(program, error);
  return foreign_programs_.contains(program) || (!error && foreign_programs_.contains(file));
}

bool TraceSet::SaidLost(pid_t pid) const {
  std::string part = absl::StrCat("-", pid, "-");  // <boot id>-<pid>-<start>-<image>.lost-<why>
  for (const std::string* folder : {&run_, &drop_}) {
    for (const std::string& name : ListNames(*folder)) {
      size_t at = name.find('-');
      if (absl::StrContains(name, ".lost-") && at != std::string::npos &&
          name.compare(at, part.size(), part) == 0) {
        return true;
      }
    }
  }
  return false;
}

bool TraceSet::IsNewestImage(const ProcessId& id, uint64_t start_ns) const {
  auto it = newest_image_ns_.find(id);
  return it == newest_image_ns_.end() || it->second <= start_ns;
}

std::vector<ProcessId> TraceSet::LiveProcesses() const {
  std::vector<ProcessId> ids;
  for (const auto& [path, trace] : live_) {
    if (trace.pid != 0) {
      ids.emplace_back(trace.pid, trace.header.start_ticks);
    }
  }
  return ids;
}

}  // namespace gordian::cli
