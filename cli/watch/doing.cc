#include "cli/watch/doing.h"

#include <map>
#include <vector>

#include "absl/strings/str_cat.h"
#include "libsync/inspect/proc.h"
#include "libsync/inspect/task_doing.h"
#include "libsync/trace/reader.h"

namespace gordian::cli {
namespace {

constexpr size_t kMostThreads = 4;

const char* WaitName(const trace::SlotRecord& slot) {
  switch (static_cast<trace::WaitKind>(slot.wait_kind)) {
    case trace::WaitKind::kLock:
      return "waits for a lock";
    case trace::WaitKind::kCondition:
      return "waits on a condition";
    case trace::WaitKind::kJoin:
      return "joins a thread";
    case trace::WaitKind::kProcess:
      return "waits for a child";
    case trace::WaitKind::kBarrier:
      return "waits at a barrier";
    case trace::WaitKind::kFutex:
      return "waits in a futex";
    case trace::WaitKind::kSleep:
      return "sleeps";
    case trace::WaitKind::kCall:
    case trace::WaitKind::kNone:
      break;
  }
  return nullptr;
}

}  // namespace

std::string WhatItDoes(const SeenProcess& process, const TraceSet& traces) {
  pid_t pid = process.stat.pid;
  std::map<pid_t, const char*> recorded;
  if (const LiveTrace* trace = traces.FindLive(pid)) {
    for (const trace::SlotSnapshot& snapshot : trace::ReadSlots(trace->path, trace->header)) {
      if (const char* name = WaitName(snapshot.slot)) {
        recorded[snapshot.slot.tid] = name;
      }
    }
  }
  std::vector<pid_t> tasks = inspect::ListTasks(pid);
  std::string text;
  for (size_t i = 0; i < tasks.size() && i < kMostThreads; ++i) {
    auto known = recorded.find(tasks[i]);
    std::string doing = known != recorded.end() ? known->second : inspect::TaskDoing(pid, tasks[i]);
    if (doing.empty()) {
      continue;
    }
    std::string who = tasks[i] == pid ? "the main thread" : absl::StrCat("thread ", tasks[i]);
    absl::StrAppend(&text, text.empty() ? "" : "; ", who, " ", doing);
  }
  if (tasks.size() > kMostThreads) {
    absl::StrAppend(&text, "; and ", tasks.size() - kMostThreads, " more threads");
  }
  return text;
}

}  // namespace gordian::cli
