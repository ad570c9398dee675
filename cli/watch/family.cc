#include "cli/watch/family.h"

#include <unistd.h>

#include <cstdlib>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "cli/file_util.h"

namespace gordian::cli {
namespace {

std::string ChildrenFile(pid_t pid, pid_t tid) {
  return absl::StrCat("/proc/", pid, "/task/", tid, "/children");
}

void AppendChildren(pid_t pid, pid_t tid, std::vector<pid_t>* children) {
  std::string text = ReadSmallFile(ChildrenFile(pid, tid), 1 << 20);
  for (absl::string_view child : absl::StrSplit(text, ' ', absl::SkipEmpty())) {
    children->push_back(std::atoi(std::string(child).c_str()));
  }
}

std::vector<pid_t> ListChildren(pid_t pid, int64_t threads) {
  std::vector<pid_t> children;
  if (threads == 1) {
    AppendChildren(pid, pid, &children);
    return children;
  }
  for (pid_t tid : inspect::ListTasks(pid)) {
    AppendChildren(pid, tid, &children);
  }
  return children;
}

}  // namespace

Family::Family(pid_t ancestor, std::set<pid_t> not_ours)
    : ancestor_(ancestor),
      not_ours_(std::move(not_ours)),
      has_lists_(access(ChildrenFile(getpid(), getpid()).c_str(), R_OK) == 0) {
  not_ours_.insert(getpid());
}

std::vector<ProcStat> Family::Look() {
  Stats stats = has_lists_ ? Walk() : Search();
  members_.clear();
  std::vector<ProcStat> found;
  for (auto& [pid, stat] : stats) {
    members_.insert(IdOf(stat));
    found.push_back(std::move(stat));
  }
  return found;
}

Family::Stats Family::Walk() const {
  std::vector<pid_t> open;
  if (ancestor_ != 0) {
    open = ListChildren(ancestor_, 0);
  }
  for (const ProcessId& id : members_) {
    if (StartTicks(id.first) == id.second) {  // else its pid is free, or somebody else's
      open.push_back(id.first);
    }
  }
  Stats stats;
  while (!open.empty()) {
    pid_t pid = open.back();
    open.pop_back();
    if (not_ours_.contains(pid) || stats.contains(pid)) {
      continue;
    }
    auto stat = inspect::ReadStat(pid);
    if (!stat.has_value()) {
      continue;
    }
    for (pid_t child : ListChildren(pid, stat->threads)) {
      open.push_back(child);
    }
    stats.emplace(pid, std::move(*stat));
  }
  return stats;
}

Family::Stats Family::Search() const {
  std::multimap<pid_t, ProcStat> by_parent;
  std::vector<ProcStat> open;
  for (ProcStat& stat : inspect::ListProcesses()) {
    if (members_.contains(IdOf(stat)) || (ancestor_ != 0 && stat.ppid == ancestor_)) {
      open.push_back(stat);
    }
    by_parent.emplace(stat.ppid, std::move(stat));
  }
  Stats stats;
  while (!open.empty()) {
    ProcStat stat = std::move(open.back());
    open.pop_back();
    if (not_ours_.contains(stat.pid) || stats.contains(stat.pid)) {
      continue;
    }
    auto [begin, end] = by_parent.equal_range(stat.pid);
    for (auto it = begin; it != end; ++it) {
      open.push_back(it->second);
    }
    stats.emplace(stat.pid, std::move(stat));
  }
  return stats;
}

}  // namespace gordian::cli
