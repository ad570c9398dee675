#include "cli/watch/process_tree.h"

#include <algorithm>

namespace gordian::cli {
namespace {

constexpr uint64_t kNsPerMs = 1'000'000;
// More than this between two looks: gordian itself was stopped or starved, and so may the parents have been.
constexpr uint64_t kLongestGapNs = 3'000 * kNsPerMs;

// A young process may have been seen between fork and exec.
constexpr uint64_t kExecNs = 1'000 * kNsPerMs;

// The kernel keeps start times in ticks, of another clock.
constexpr uint64_t kStartSlackNs = 100 * kNsPerMs;

// A daemon on purpose: it has a session of its own, or shares that of a creator which led one.
bool InOwnSession(const SeenProcess& process, pid_t root) {
  pid_t session = process.stat.session;
  return session == process.stat.pid || (session == process.creator.first && session != root);
}

}  // namespace

void ProcessTree::SetCreator(const ProcessId& child, pid_t creator) {
  auto it = seen_.find(child);
  if (it == seen_.end() || creator <= 0 || family_.IsOutside(creator)) {
    return;
  }
  if (it->second.creator.first == creator) {
    return;
  }
  const SeenProcess* parent = FindPid(creator);
  // A living parent outside the run is init or a subreaper that took the process over. One that nobody has
  // seen and that is gone is a creator that was too short-lived for a look.
  if (parent == nullptr && inspect::ReadStat(creator).has_value()) {
    return;
  }
  it->second.creator = {creator, parent == nullptr ? 0 : parent->stat.start_ticks};
}

void ProcessTree::Meet(const ProcStat& stat, uint64_t now_ns) {
  ProcessId id{stat.pid, stat.start_ticks};
  auto [it, is_new] = seen_.try_emplace(id);
  SeenProcess& process = it->second;
  ProcStat before = process.stat;
  by_pid_[stat.pid] = id;
  process.present = true;
  process.stat = stat;
  if (IsDead(stat) && !process.dead) {
    process.dead = true;
    process.dead_ns = now_ns;
    process.observed.zombie_status = stat.status;
  }
  bool may_have_execd = now_ns - process.first_seen_ns < kExecNs || stat.comm != before.comm;
  if (is_new || (may_have_execd && !IsDead(stat))) {
    process.observed.command = CommandLine(stat);
    process.command_comm = stat.comm;
  }
  if (!is_new) {
    return;
  }
  process.first_seen_ns = now_ns;
  process.observed.pid = stat.pid;
  process.observed.start_ticks = stat.start_ticks;
  process.observed.start_ns = inspect::MonotonicNs(stat.start_ticks);
}

// A parent outside the tree is gordian, init or a subreaper: who made the process is not known from here.
void ProcessTree::FindCreators(uint64_t now_ns) {
  for (auto& [id, process] : seen_) {
    if (process.first_seen_ns != now_ns || family_.IsOutside(process.stat.ppid)) {
      continue;
    }
    const SeenProcess* parent = FindPid(process.stat.ppid);
    if (parent != nullptr) {
      process.creator = {parent->stat.pid, parent->stat.start_ticks};
    }
  }
}

void ProcessTree::Look(uint64_t now_ns) {
  uint64_t begin_ns = SpentNs();
  for (auto& [id, process] : seen_) {
    process.present = false;
  }
  for (const ProcStat& stat : family_.Look()) {
    Meet(stat, now_ns);
  }
  FindCreators(now_ns);
  Account(last_look_ns_ == 0 ? 0 : now_ns - last_look_ns_, now_ns);
  last_look_ns_ = now_ns;
  last_cost_ns_ = SpentNs() - begin_ns;
}

bool ProcessTree::CreatorIsDead(const SeenProcess& process) const {
  if (process.creator.first == 0) {
    return false;
  }
  const SeenProcess* creator = Find(process.creator);
  return creator == nullptr || creator->dead;
}

void ProcessTree::Account(uint64_t passed_ns, uint64_t now_ns) {
  for (auto& [id, process] : seen_) {
    if (!process.present && !process.dead) {
      process.dead = true;
      process.dead_ns = now_ns;
    }
  }
  for (auto& [id, process] : seen_) {
    if (!process.present && process.zombie_ns != 0 && !process.observed.status.has_value() &&
        !CreatorIsDead(process)) {
      process.observed.reaped_late = true;
    }
  }
  if (passed_ns > kLongestGapNs) {
    return;
  }
  for (auto& [id, process] : seen_) {
    if (!process.present) {
      continue;
    }
    if (process.dead) {
      const SeenProcess* creator = Find(process.creator);
      bool creator_could_reap = creator != nullptr && !creator->dead && !IsStopped(creator->stat) &&
                                process.stat.ppid == creator->stat.pid;
      if (creator_could_reap && process.dead_ns < now_ns) {
        process.zombie_ns += passed_ns;
      }
    } else if (CreatorIsDead(process)) {
      const SeenProcess* creator = Find(process.creator);
      if (creator == nullptr || creator->dead_ns < now_ns) {
        process.outlived_ns += passed_ns;
      }
    }
  }
}

void ProcessTree::Reaped(const ProcStat& stat, int status, uint64_t now_ns) {
  Meet(stat, now_ns);
  SeenProcess& process = seen_[{stat.pid, stat.start_ticks}];
  process.observed.status = status;
  process.present = false;
  if (!process.dead) {
    process.dead_ns = now_ns;
  }
  process.dead = true;
}

void ProcessTree::MeetGone(const ProcStat& stat, const std::string& command, uint64_t start_ns) {
  ProcessId id{stat.pid, stat.start_ticks};
  SeenProcess& process = seen_[id];
  by_pid_.try_emplace(stat.pid, id);
  process.stat = stat;
  process.dead = true;
  process.observed.pid = stat.pid;
  process.observed.start_ticks = stat.start_ticks;
  process.observed.command = command;
  process.observed.start_ns = start_ns;
  SetCreator(id, stat.ppid);
}

void ProcessTree::SetCommand(const ProcessId& id, const std::string& command) {
  auto it = seen_.find(id);
  if (it != seen_.end() && it->second.observed.command.starts_with("[") && !command.empty()) {
    it->second.observed.command = command;
  }
}

void ProcessTree::SetProgram(const ProcessId& id, const std::string& path) {
  constexpr size_t kCommLength = 15;  // of what the kernel keeps
  auto it = seen_.find(id);
  const SeenProcess* creator = it == seen_.end() ? nullptr : Find(it->second.creator);
  if (creator != nullptr && it->second.command_comm == creator->stat.comm &&
      path.substr(path.rfind('/') + 1, kCommLength) != creator->stat.comm) {
    it->second.observed.command = path;
  }
}

void ProcessTree::SetUnseen(const ProcessId& id, const std::string& why) {
  auto it = seen_.find(id);
  if (it == seen_.end()) {
    return;
  }
  it->second.observed.unseen = why;
  it->second.unseen_comm = it->second.stat.comm;
}

std::vector<const SeenProcess*> ProcessTree::Living() const {
  std::vector<const SeenProcess*> living;
  for (const auto& [id, process] : seen_) {
    if (!process.dead) {
      living.push_back(&process);
    }
  }
  return living;
}

const SeenProcess* ProcessTree::Find(const ProcessId& id) const {
  auto it = seen_.find(id);
  return it == seen_.end() ? nullptr : &it->second;
}

const SeenProcess* ProcessTree::FindPid(pid_t pid) const {
  auto it = by_pid_.find(pid);
  return it == by_pid_.end() ? nullptr : Find(it->second);
}

// It began no earlier than its creation, and no later than its creator had waited for it.
const SeenProcess* ProcessTree::FindChild(const trace::Child& child) const {
  for (auto it = seen_.lower_bound({child.pid, 0}); it != seen_.end() && it->first.first == child.pid; ++it) {
    const uint64_t start_ns = it->second.observed.start_ns;
    if (start_ns + kStartSlackNs >= child.start_ns &&
        (child.reap_ns == 0 || start_ns <= child.reap_ns + kStartSlackNs)) {
      return &it->second;
    }
  }
  return nullptr;
}

std::vector<trace::Observed> ProcessTree::Observations(const ProcessId& root, bool over,
                                                       uint64_t grace_ms) const {
  const SeenProcess* root_process = Find(root);
  uint64_t root_dead_ns = root_process == nullptr ? UINT64_MAX : root_process->dead_ns;
  std::vector<trace::Observed> observations;
  for (const auto& [id, process] : seen_) {
    trace::Observed observed = process.observed;
    observed.creator = process.creator.first;
    observed.session = process.stat.session;
    observed.zombie_ms = process.zombie_ns / kNsPerMs;
    observed.outlived_ms = process.outlived_ns / kNsPerMs;
    observed.own_session = id != root && InOwnSession(process, root.first);
    observed.alive_at_end = over && !process.dead;
    if (observed.alive_at_end && CreatorIsDead(process)) {
      const SeenProcess* creator = Find(process.creator);
      bool long_ago = creator == nullptr || creator->dead_ns <= root_dead_ns;
      if (long_ago) {
        observed.outlived_ms = std::max(observed.outlived_ms, grace_ms + 1);
      }
    }
    observations.push_back(std::move(observed));
  }
  return observations;
}

void ProcessTree::MarkEndedSince(uint64_t end_ns, std::vector<trace::Observed>* observations) const {
  for (trace::Observed& observed : *observations) {
    const SeenProcess* process = Find({observed.pid, observed.start_ticks});
    observed.ended_by_gordian = process != nullptr && process->dead && process->dead_ns >= end_ns;
  }
}

}  // namespace gordian::cli
