#include "cli/watch/unannounced.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "cli/watch/process_id.h"
#include "libsync/inspect/calls.h"
#include "libsync/inspect/futex_wait.h"

namespace gordian::cli {
namespace {

// The two looks are a promise of the reports.
constexpr uint64_t kApartNs = 200'000'000;
constexpr uint64_t kCostFactor = 50;  // as the watcher's

bool IsUnannounced(const trace::SlotRecord& slot) {
  const auto kind = static_cast<trace::WaitKind>(slot.wait_kind);
  return kind == trace::WaitKind::kNone || kind == trace::WaitKind::kFutex;
}

}  // namespace

void UnannouncedWatch::Ask(pid_t pid, pid_t tid, Sleeper* sleeper) {
  const auto wait = inspect::ReadTaskWait(pid, tid);
  sleeper->asleep = false;
  if (!wait || !inspect::IsFutexWait(*wait) || inspect::IsTimed(*wait)) {
    return;
  }
  const auto status = inspect::ReadTaskStatus(pid, tid);
  if (status && status->state == 'S') {
    sleeper->asleep = true;
    sleeper->wait = *wait;
    sleeper->switches = status->switches;
  }
}

void UnannouncedWatch::Look(pid_t pid, const std::vector<trace::SlotSnapshot>& slots,
                            const std::function<pid_t(int32_t tid)>& outer_tid, uint64_t now_ns) {
  if (now_ns < next_look_ns_) {
    return;
  }
  const uint64_t begin_ns = SpentNs();
  std::map<int32_t, Sleeper> fresh;
  for (const trace::SlotSnapshot& slot : slots) {
    if (!IsUnannounced(slot.slot)) {
      continue;
    }
    Sleeper sleeper;
    sleeper.slot = slot;
    sleeper.since_ns = now_ns;
    const auto before = sleepers_.find(slot.slot.tid);
    if (before != sleepers_.end() && before->second.slot.SameAs(slot)) {
      Ask(pid, outer_tid(slot.slot.tid), &sleeper);
      const Sleeper& last = before->second;
      if (sleeper.asleep && last.asleep && sleeper.wait == last.wait && sleeper.switches == last.switches) {
        sleeper.since_ns = last.since_ns;
      }
    }
    fresh[slot.slot.tid] = std::move(sleeper);
  }
  sleepers_ = std::move(fresh);
  next_look_ns_ = now_ns + (SpentNs() - begin_ns) * kCostFactor;
}

std::string UnannouncedWatch::Picture(uint64_t now_ns) const {
  std::string picture;
  for (const auto& [tid, sleeper] : sleepers_) {
    if (sleeper.asleep && now_ns - sleeper.since_ns >= kApartNs) {
      absl::StrAppend(&picture, tid, "/", sleeper.switches, " ");
    }
  }
  return picture;
}

}  // namespace gordian::cli
