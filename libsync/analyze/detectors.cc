#include "libsync/analyze/detectors/detectors.h"

#include <algorithm>
#include <string_view>
#include <tuple>

#include "libsync/analyze/detector.h"

namespace gordian::analyze {
namespace {

constexpr Detector kDetectors[] = {
    {"deadlock", JudgeDeadlock},
    {"lock-order", JudgeLockOrder},
    {"reader-writer", JudgeReaderWriter},
    {"conditions", JudgeConditions},
    {"held-at-end", JudgeHeldAtEnd},
    {"killed", JudgeKilled},
    {"threads", JudgeThreads},
    {"children", JudgeChildren},
    {"misuse", JudgeMisuse},
    {"joins", JudgeJoins},
    {"errors", JudgeErrors},
    {"waiting", JudgeWaiting},
    {"names", JudgeNames},
    {"signals", JudgeSignals},
    {"fork", JudgeFork},
    {"lost-file-locks", JudgeLostFileLocks},
    {"file-race", JudgeFileRace},
};

// Smaller comes first.
auto Rank(const Finding& finding) {
  return std::tuple(-static_cast<int>(finding.confidence), -static_cast<int>(finding.level),
                    finding.rule - Rules().data(), -static_cast<int64_t>(finding.count));
}

bool SharesALock(const Finding& a, const Finding& b) {
  return std::any_of(a.locks.begin(), a.locks.end(), [&b](const LockPart& lock) {
    return std::any_of(b.locks.begin(), b.locks.end(), [&lock](const LockPart& other) {
      return other.process == lock.process && other.lock == lock.lock;
    });
  });
}

// That a lock was still held when the process ended says nothing new where something else went wrong with it
// before.
void DropWhatFollows(std::vector<Finding>* findings) {
  const auto follows = [findings](const Finding& finding) {
    return std::string_view(finding.rule->id) == "lock-held-at-process-exit" &&
           std::any_of(findings->begin(), findings->end(), [&finding](const Finding& other) {
             return other.level == Level::kError && other.confidence == Confidence::kConfirmed &&
                    SharesALock(other, finding);
           });
  };
  std::vector<bool> dropped(findings->size());
  std::transform(findings->begin(), findings->end(), dropped.begin(), follows);
  size_t at = 0;
  std::erase_if(*findings, [&](const Finding& /*finding*/) { return dropped[at++]; });
}

}  // namespace

std::span<const Detector> Detectors() { return kDetectors; }

std::vector<Finding> Analyze(const trace::Run& run, const Options& options) {
  std::vector<Finding> findings;
  for (const Detector& detector : Detectors()) {
    detector.judge(run, options, &findings);
  }
  DropWhatFollows(&findings);
  std::stable_sort(findings.begin(), findings.end(),
                   [](const Finding& a, const Finding& b) { return Rank(a) < Rank(b); });
  return findings;
}

std::vector<Finding> AnalyzeWaits(const trace::Run& run) {
  std::vector<Finding> findings;
  JudgeDeadlock(run, {}, &findings);
  return findings;
}

std::vector<Finding> AnalyzeStuckHolders(const trace::Run& run) {
  std::vector<Finding> findings;
  JudgeStuckHolders(run, &findings);
  return findings;
}

}  // namespace gordian::analyze
