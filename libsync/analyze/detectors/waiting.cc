// blocking-while-locked, long-hold, long-wait: a lock that was kept from others for long, or waited for. The
// limits were those of the recorder; each finding shows the longest case at its place.
#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "libsync/analyze/content.h"
#include "libsync/analyze/detectors/detectors.h"
#include "libsync/analyze/finding_builder.h"
#include "libsync/analyze/lookup.h"

namespace gordian::analyze {
namespace {

// Whoever comes to a once waits for the routine to be over, and is meant to: what it does takes as long as it
// takes.
bool IsTold(const trace::Lock* lock) {
  return lock != nullptr && IsReportable(*lock) && lock->kind != trace::LockKind::kOnce;
}

// All events of one kind, of locks of one class, at one place.
struct Group {
  Index process = kNoIndex;
  const trace::Event* longest = nullptr;
  uint64_t count = 0;
  std::string acquisition;  // the lock's class and where it was acquired
};

const char* RuleOf(trace::EventKind kind) {
  switch (kind) {
    case trace::EventKind::kBlockedWhileLocked:
      return "blocking-while-locked";
    case trace::EventKind::kLongHold:
      return "long-hold";
    case trace::EventKind::kLongWait:
      return "long-wait";
    default:
      return nullptr;
  }
}

void Tell(const trace::Event& event, const std::string& who, const std::string& lock, Finding* finding) {
  const std::string lasted =
      Milliseconds(static_cast<uint64_t>(std::max<int64_t>(event.value, 0)) / 1'000'000);
  if (event.kind == trace::EventKind::kLongWait) {
    finding->title = absl::StrCat(who, " waits ", lasted, " for ", lock);
    finding->explanation = absl::StrCat("The wait is over, so it was no deadlock; but whoever held ", lock,
                                        " held it for long.");
    finding->fix = absl::StrCat("Look who holds ", lock,
                                " for so long (--hold-ms): do less there, or let the lock guard less.");
    return;
  }
  finding->explanation = absl::StrCat("Every thread that wants ", lock, " waits as long.");
  if (event.kind == trace::EventKind::kLongHold) {
    finding->title = absl::StrCat(who, " holds ", lock, " for ", lasted);
    finding->fix = absl::StrCat("Do between lock and unlock only what needs ", lock,
                                ": compute, read and write outside, and exchange the result inside.");
  } else {
    finding->subject = event.text;
    finding->title = absl::StrCat(who, " spends ", lasted, " in ", event.text, "() while it holds ", lock);
    finding->fix = absl::StrCat("Release ", lock, " before ", event.text,
                                "(), and take it again afterwards if need be.");
  }
}

Finding Build(const trace::Run& run, const Group& group) {
  const trace::Event& event = *group.longest;
  FindingBuilder builder(RuleOf(event.kind), run, group.process);
  Finding& finding = builder.finding();
  const int actor = builder.AddThread(event.thread);
  const int lock = builder.AddLock(event.lock);
  Tell(event, actor >= 0 ? ThreadName(actor) : "A thread", LockName(lock), &finding);
  finding.count = group.count;
  if (event.kind == trace::EventKind::kLongWait) {
    builder.AddStep(actor, "waits for", lock, event.stack);
  } else {
    const bool blocked = event.kind == trace::EventKind::kBlockedWhileLocked;
    trace::Holding held;
    held.lock = event.lock;
    held.stack = event.other_stack;
    builder.AddHeld(actor, held);
    builder.AddStep(actor, "lock", lock, event.other_stack);
    builder.AddStep(actor, blocked ? event.text + "()" : "unlock", blocked ? -1 : lock, event.stack);
    builder.AddIdentity(event.other_stack);
  }
  if (actor >= 0) {
    finding.threads[static_cast<size_t>(actor)].at = builder.Stack(event.stack);
  }
  builder.AddIdentity(event.stack);
  return std::move(finding);
}

// Most of the time that the lock was held went into one call that is told of anyway.
bool IsExplained(const Group& group, const std::vector<Group>& groups) {
  return group.longest->kind == trace::EventKind::kLongHold &&
         std::any_of(groups.begin(), groups.end(), [&group](const Group& other) {
           return other.longest->kind == trace::EventKind::kBlockedWhileLocked &&
                  other.acquisition == group.acquisition && other.longest->value >= group.longest->value / 2;
         });
}

}  // namespace

void JudgeWaiting(const trace::Run& run, const Options& /*options*/, std::vector<Finding>* findings) {
  Content content(run);
  absl::flat_hash_map<std::string, size_t> known;
  std::vector<Group> groups;
  for (size_t p = 0; p < run.processes.size(); ++p) {
    const auto process = static_cast<Index>(p);
    for (const trace::Event& event : run.processes[p].events) {
      const trace::Lock* lock = At(run.processes[p].locks, event.lock);
      if (RuleOf(event.kind) == nullptr || !IsTold(lock)) {
        continue;
      }
      const std::string lock_class = content.LockClass(process, event.lock);
      const std::string key = absl::StrCat(static_cast<int>(event.kind), "|", lock_class, "|",
                                           content.Stack(process, event.stack));
      const auto [found, is_new] = known.try_emplace(key, groups.size());
      if (is_new) {
        groups.emplace_back();
      }
      Group& group = groups[found->second];
      group.count += event.count;
      if (group.longest == nullptr || event.value > group.longest->value) {
        group.process = process;
        group.longest = &event;
        group.acquisition = absl::StrCat(lock_class, "|", content.Stack(process, event.other_stack));
      }
    }
  }
  for (const Group& group : groups) {
    if (!IsExplained(group, groups)) {
      findings->push_back(Build(run, group));
    }
  }
}

}  // namespace gordian::analyze
