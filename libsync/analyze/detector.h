// The detector interface: a pure function from a Run to findings.
//
// The same detectors run in the watcher while the program runs (Run::over is false: a detector reports only
// what is already certain), after it, over merged runs, and in tests. A detector never reads anything but the
// Run, keeps no state, and never prints.
//
// To add one: a file in detectors/, its rules in rules.cc, its row in detectors.cc.
#ifndef GORDIAN_LIBSYNC_ANALYZE_DETECTOR_H_
#define GORDIAN_LIBSYNC_ANALYZE_DETECTOR_H_

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "libsync/analyze/finding.h"

namespace gordian::analyze {

struct Options {
  uint64_t grace_ms = 2000;  // how old a zombie or an orphan must be
  // Gets a sentence for each search that was cut short, for people. May be null.
  std::vector<std::string>* left_out = nullptr;
};

struct Detector {
  const char* name;
  void (*judge)(const trace::Run& run, const Options& options, std::vector<Finding>* findings);
};

// All detectors, in the order in which they run.
std::span<const Detector> Detectors();

// The rule with this id; aborts on an unknown one, which is a mistake in Gordian itself.
const Rule& RuleById(const char* id);
// Every rule of the catalogue, in the order of docs/rules.
std::span<const Rule> Rules();

// Runs every detector. The result is ordered: confirmed before potential, errors first, then by rule.
std::vector<Finding> Analyze(const trace::Run& run, const Options& options = {});

// Judges the waits alone: what a look at this moment is enough for, where nothing is known of what came
// before.
std::vector<Finding> AnalyzeWaits(const trace::Run& run);

// The locks that a killed process left locked, in a Run in which nobody is seen to go on: all that were
// killed and all that wait.
std::vector<Finding> AnalyzeKilled(const trace::Run& run);
// Of a run in which each holder that polls was found to do so for a while.
std::vector<Finding> AnalyzeStuckHolders(const trace::Run& run);

}  // namespace gordian::analyze

#endif  // GORDIAN_LIBSYNC_ANALYZE_DETECTOR_H_
