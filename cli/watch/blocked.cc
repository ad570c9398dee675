#include "cli/watch/blocked.h"

#include <algorithm>
#include <utility>

#include "cli/watch/merge.h"
#include "libsync/analyze/lookup.h"
#include "libsync/inspect/calls.h"

namespace gordian::cli {
namespace {

using trace::Index;
using trace::kNoIndex;

constexpr size_t kMostCases = 256;

// Whose slot it is, if the thread has not moved since.
const trace::Thread* ThreadOf(const trace::SlotRecord& slot, const trace::Process& process) {
  const auto found =
      std::find_if(process.threads.begin(), process.threads.end(), [&slot](const auto& thread) {
        return thread.live && thread.tid == slot.tid && thread.acquisitions == slot.acquisitions &&
               thread.wait.kind == trace::WaitKind::kNone;
      });
  return found == process.threads.end() ? nullptr : &*found;
}

// The newest that keeps others out.
const trace::Holding* NewestLock(const trace::Process& process, const trace::Thread& thread) {
  const auto found = std::find_if(thread.held.rbegin(), thread.held.rend(), [&](const trace::Holding& held) {
    const trace::Lock* lock = analyze::At(process.locks, held.lock);
    return lock != nullptr && analyze::IsReportable(*lock) && !analyze::IsFileLock(*lock);
  });
  return found == thread.held.rend() ? nullptr : &*found;
}

// A lock without facts is gone from the trace once it was destroyed.
Index LockLike(const trace::Lock& lock, trace::Process* process) {
  std::vector<trace::Lock>& locks = process->locks;
  const auto same = std::find_if(locks.begin(), locks.end(), [&](const trace::Lock& other) {
    return other.ref == lock.ref && other.born_ns == lock.born_ns;
  });
  const auto index = static_cast<Index>(same - locks.begin());
  if (same == locks.end()) {
    locks.push_back(lock);
  }
  return index;
}

Index AddStack(const inspect::TaskStack& at, trace::Process* process) {
  if (at.stack.frames.empty()) {
    return kNoIndex;
  }
  trace::Stack stack = at.stack;
  for (trace::Frame& frame : stack.frames) {
    const trace::Module* module = analyze::At(at.modules, frame.module);
    frame.module = module == nullptr ? kNoIndex : ModuleLike(*module, process);
  }
  process->stacks.push_back(std::move(stack));
  return static_cast<Index>(process->stacks.size()) - 1;
}

}  // namespace

std::optional<Sleep> FindSleep(pid_t pid, pid_t tid) {
  const std::optional<inspect::TaskWait> wait = inspect::ReadTaskWait(pid, tid);
  if (!wait.has_value() || !wait->readable || wait->running || !inspect::IsInputOutput(wait->syscall)) {
    return std::nullopt;
  }
  const std::optional<inspect::TaskStatus> status = inspect::ReadTaskStatus(pid, tid);
  if (!status.has_value() || (status->state != 'S' && status->state != 'D')) {
    return std::nullopt;
  }
  return Sleep{status->switches, *wait};
}

BlockedWatch::Place BlockedWatch::PlaceOf(const Sample& sample) {
  const trace::HeldEntry& newest = sample.slot.held.back();
  return {sample.slot.slot.thread, sample.sleep->wait.syscall, sample.sleep->wait.sp, newest.lock,
          newest.stack};
}

bool BlockedWatch::Look(const std::vector<trace::SlotSnapshot>& slots, const FindSleepOf& find_sleep,
                        uint64_t now_ns) {
  bool is_news = false;
  std::map<int32_t, Sample> fresh;
  for (const trace::SlotSnapshot& slot : slots) {
    if (slot.held.empty() || static_cast<trace::WaitKind>(slot.slot.wait_kind) != trace::WaitKind::kNone) {
      continue;
    }
    Sample sample{slot, std::nullopt, now_ns, false};
    const auto before = samples_.find(slot.slot.tid);
    if (before != samples_.end() && before->second.slot.SameAs(slot)) {
      sample.sleep = find_sleep(slot.slot.tid);
      if (sample.sleep.has_value() && sample.sleep == before->second.sleep) {
        sample.since_ns = before->second.since_ns;
        sample.counted = before->second.counted;
        is_news |= Count(now_ns, &sample);
      }
    }
    fresh[slot.slot.tid] = std::move(sample);
  }
  samples_ = std::move(fresh);
  return is_news;
}

// True: its place is new.
bool BlockedWatch::Count(uint64_t now_ns, Sample* sample) {
  const uint64_t lasted_ns = now_ns - sample->since_ns;
  const Place place = PlaceOf(*sample);
  if (lasted_ns < limit_ns_ || (cases_.size() >= kMostCases && !cases_.contains(place))) {
    return false;
  }
  Case& found = cases_[place];
  found.count += sample->counted ? 0 : 1;
  sample->counted = true;
  if (lasted_ns > found.longest_ns) {
    found.longest_ns = lasted_ns;
    found.time_ns = now_ns;
  }
  return !found.asked;
}

void BlockedWatch::Name(const trace::Process& process, const FindSleepOf& find_sleep,
                        const FindStack& find_stack) {
  for (const auto& [tid, sample] : samples_) {
    if (!sample.counted || cases_.at(PlaceOf(sample)).asked) {
      continue;
    }
    const trace::Thread* thread = ThreadOf(sample.slot.slot, process);
    if (thread == nullptr) {
      continue;
    }
    const trace::Holding* held = NewestLock(process, *thread);
    Named named{tid, thread->start_ns, {}, kNoIndex, {}};
    if (held != nullptr) {
      named.lock = process.locks[static_cast<size_t>(held->lock)];
      named.acquired = held->stack;
      named.at = find_stack(sample.sleep->wait);
    }
    // Asked again: then the reading and the stack lie between two equal looks.
    if (find_sleep(tid) != sample.sleep) {
      continue;
    }
    Case& found = cases_.at(PlaceOf(sample));
    found.asked = true;
    if (held != nullptr) {
      found.named = std::move(named);
    }
  }
}

void BlockedWatch::AddTo(trace::Process* process) const {
  for (const auto& [place, found] : cases_) {
    const inspect::Call* call = inspect::FindCall(place.call);
    if (!found.named.has_value() || call == nullptr) {
      continue;
    }
    const Named& named = *found.named;
    const auto thread = std::find_if(
        process->threads.begin(), process->threads.end(),
        [&](const auto& other) { return other.tid == named.tid && other.start_ns == named.thread_start_ns; });
    trace::Event event;
    event.kind = trace::EventKind::kBlockedWhileLocked;
    event.thread =
        thread == process->threads.end() ? kNoIndex : static_cast<Index>(thread - process->threads.begin());
    event.lock = LockLike(named.lock, process);
    event.value = static_cast<int64_t>(found.longest_ns);
    event.stack = AddStack(named.at, process);
    event.other_stack = named.acquired;
    event.time_ns = found.time_ns;
    event.count = found.count;
    event.text = call->name;
    process->events.push_back(std::move(event));
  }
}

}  // namespace gordian::cli
