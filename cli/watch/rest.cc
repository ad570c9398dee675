#include "cli/watch/rest.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"

namespace gordian::cli {
namespace {

// The two looks are a promise of the reports.
constexpr uint64_t kApartNs = 200'000'000;

}  // namespace

// False: the thread is awake, or what it waits for may come from anywhere. A thread that has ended is no
// matter.
bool RestWatch::Rests(pid_t pid, pid_t tid, const inspect::Surroundings& surroundings, Tasks* tasks) {
  auto wait = inspect::ReadTaskWait(pid, tid);
  auto status = inspect::ReadTaskStatus(pid, tid);
  if (!status.has_value() || status->state == 'Z' || status->state == 'X') {
    return true;
  }
  bool asleep = status->state == 'S' || status->state == 'D';
  if (!asleep || !wait.has_value() || !inspect::MayHaveReleasers(pid, *wait, surroundings)) {
    return false;
  }
  tasks->emplace(tid, Task{status->switches, *wait});
  return true;
}

bool RestWatch::TakeTasks(pid_t pid, const inspect::Surroundings& surroundings, Sample* sample) {
  Tasks tasks;
  if (sample->busy != 0 && !Rests(pid, sample->busy, surroundings, &tasks)) {
    return false;
  }
  tasks.clear();
  for (pid_t tid : inspect::ListTasks(pid)) {
    if (!Rests(pid, tid, surroundings, &tasks)) {
      sample->busy = tid;
      return false;
    }
  }
  sample->busy = 0;
  if (sample->tasks != tasks) {
    sample->tasks = std::move(tasks);
    return false;
  }
  return !sample->tasks.empty();
}

std::vector<pid_t> RestWatch::Look(const std::vector<const SeenProcess*>& living,
                                   const inspect::Surroundings& surroundings, uint64_t now_ns) {
  std::map<ProcessId, Sample> fresh;
  std::vector<pid_t> resting;
  ids_.clear();
  for (const SeenProcess* process : living) {
    ProcessId id = IdOf(process->stat);
    ids_[id.first] = id;
    Sample sample;
    if (auto known = samples_.find(id); known != samples_.end()) {
      sample = std::move(known->second);
    }
    Tasks before = sample.tasks;
    bool unmoved = TakeTasks(id.first, surroundings, &sample);
    if (!unmoved) {
      sample.since_ns = now_ns;
      if (sample.busy != 0) {
        sample.tasks.clear();
      }
    } else if (now_ns - sample.since_ns >= kApartNs) {
      resting.push_back(id.first);
    }
    fresh.emplace(id, std::move(sample));
  }
  samples_ = std::move(fresh);
  DropWaitersForBusyChildren(living, &resting);
  return resting;
}

// Such a process only waits for its turn, as a shell does for its command: it must cost no closer look.
void RestWatch::DropWaitersForBusyChildren(const std::vector<const SeenProcess*>& living,
                                           std::vector<pid_t>* resting) const {
  std::set<pid_t> rest(resting->begin(), resting->end());
  auto is_busy = [&](pid_t child) { return !rest.contains(child); };
  auto waits_for_busy_child = [&](pid_t pid) {
    const Tasks& tasks = samples_.at(ids_.at(pid)).tasks;
    return std::any_of(tasks.begin(), tasks.end(), [&](const auto& task) {
      auto awaited = inspect::AwaitedChild(task.second.wait);
      return awaited.has_value() && std::any_of(living.begin(), living.end(), [&](const SeenProcess* other) {
               const ProcStat& child = other->stat;
               return child.ppid == pid && (*awaited == -1 || *awaited == child.pid) && is_busy(child.pid);
             });
    });
  };
  for (bool changed = true; changed;) {
    changed = std::erase_if(rest, waits_for_busy_child) != 0;
  }
  std::erase_if(*resting, [&](pid_t pid) { return !rest.contains(pid); });
}

bool RestWatch::StillRests(pid_t pid) const {
  const Tasks& before = samples_.at(ids_.at(pid)).tasks;
  std::vector<pid_t> tids = inspect::ListTasks(pid);
  size_t living = 0;
  for (pid_t tid : tids) {
    auto wait = inspect::ReadTaskWait(pid, tid);
    auto status = inspect::ReadTaskStatus(pid, tid);
    if (!status.has_value() || status->state == 'Z' || status->state == 'X') {
      continue;
    }
    auto known = before.find(tid);
    if (!wait.has_value() || known == before.end() || known->second != Task{status->switches, *wait}) {
      return false;
    }
    ++living;
  }
  return living == before.size();
}

std::string RestWatch::Picture(pid_t pid) const {
  std::string picture = absl::StrCat(pid, ":");
  for (const auto& [tid, task] : samples_.at(ids_.at(pid)).tasks) {
    absl::StrAppend(&picture, tid, "/", task.switches, " ");
  }
  return picture;
}

}  // namespace gordian::cli
