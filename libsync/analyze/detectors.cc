#include "libsync/analyze/detectors/detectors.h"

#include <algorithm>
#include <tuple>

#include "libsync/analyze/detector.h"

namespace gordian::analyze {
namespace {

constexpr Detector kDetectors[] = {
    {"deadlock", JudgeDeadlock},     {"lock-order", JudgeLockOrder},  {"reader-writer", JudgeReaderWriter},
    {"conditions", JudgeConditions}, {"held-at-end", JudgeHeldAtEnd}, {"killed", JudgeKilled},
    {"threads", JudgeThreads},       {"children", JudgeChildren},     {"misuse", JudgeMisuse},
    {"joins", JudgeJoins},           {"errors", JudgeErrors},         {"waiting", JudgeWaiting},
    {"names", JudgeNames},           {"signals", JudgeSignals},       {"fork", JudgeFork},
    {"file-race", JudgeFileRace},
};

// Smaller comes first.
auto Rank(const Finding& finding) {
  return std::tuple(-static_cast<int>(finding.confidence), -static_cast<int>(finding.level),
                    finding.rule - Rules().data(), -static_cast<int64_t>(finding.count));
}

}  // namespace

std::span<const Detector> Detectors() { return kDetectors; }

std::vector<Finding> Analyze(const trace::Run& run, const Options& options) {
  std::vector<Finding> findings;
  for (const Detector& detector : Detectors()) {
    detector.judge(run, options, &findings);
  }
  std::stable_sort(findings.begin(), findings.end(),
                   [](const Finding& a, const Finding& b) { return Rank(a) < Rank(b); });
  return findings;
}

std::vector<Finding> AnalyzeWaits(const trace::Run& run) {
  std::vector<Finding> findings;
  JudgeDeadlock(run, {}, &findings);
  return findings;
}

}  // namespace gordian::analyze
