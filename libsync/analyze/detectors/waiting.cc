// blocking-while-locked: a thread slept or waited while others could not get the lock that it held. The limit
// was that of the recorder; each finding shows the longest case at its place.
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

// All events of locks of one class at one place.
struct Group {
  Index process = kNoIndex;
  const trace::Event* longest = nullptr;
  uint64_t count = 0;
};

Finding Build(const trace::Run& run, const Group& group) {
  const trace::Event& event = *group.longest;
  const std::string call = absl::StrCat(event.text, "()");
  FindingBuilder builder("blocking-while-locked", run, group.process);
  Finding& finding = builder.finding();
  const int actor = builder.AddThread(event.thread);
  const int lock = builder.AddLock(event.lock);
  finding.title = absl::StrCat(actor >= 0 ? ThreadName(actor) : "A thread", " spends ",
                               Milliseconds(static_cast<uint64_t>(event.value) / 1'000'000), " in ", call,
                               " while it holds ", LockName(lock));
  finding.explanation = absl::StrCat("Every thread that wants ", LockName(lock), " waits as long.");
  finding.fix = absl::StrCat("Release ", LockName(lock), " before ", call,
                             ", and take it again afterwards if need be.");
  finding.count = group.count;
  trace::Holding held;
  held.lock = event.lock;
  held.stack = event.other_stack;
  builder.AddHeld(actor, held);
  builder.AddStep(actor, "lock", lock, event.other_stack);
  builder.AddStep(actor, call, -1, event.stack);
  if (actor >= 0) {
    finding.threads[static_cast<size_t>(actor)].at = builder.Stack(event.stack);
  }
  builder.AddIdentity(event.other_stack);
  builder.AddIdentity(event.stack);
  return std::move(finding);
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
      if (event.kind != trace::EventKind::kBlockedWhileLocked || lock == nullptr || !IsReportable(*lock)) {
        continue;
      }
      const std::string key =
          absl::StrCat(content.LockClass(process, event.lock), "|", content.Stack(process, event.stack));
      const auto [found, is_new] = known.try_emplace(key, groups.size());
      if (is_new) {
        groups.emplace_back();
      }
      Group& group = groups[found->second];
      ++group.count;
      if (group.longest == nullptr || event.value > group.longest->value) {
        group.process = process;
        group.longest = &event;
      }
    }
  }
  for (const Group& group : groups) {
    findings->push_back(Build(run, group));
  }
}

}  // namespace gordian::analyze
