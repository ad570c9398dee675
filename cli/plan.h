// Plans (libsync/trace/plan.h) as gordian makes them: from findings, and from the file of cycles that
// `gordian confirm -o` writes and `gordian run --avoid` reads.
//
// Thread safety: plain data and functions without shared state.
#ifndef GORDIAN_CLI_PLAN_H_
#define GORDIAN_CLI_PLAN_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "libsync/analyze/finding.h"
#include "libsync/trace/plan.h"
#include "libsync/trace/run.h"

namespace gordian::cli {

struct PlannedModule {
  std::string path;
  std::string build_id;  // lower-case hex, empty for none
  bool operator==(const PlannedModule&) const = default;
};

struct PlannedFrame {
  PlannedModule module;
  uint64_t offset = 0;
  bool operator==(const PlannedFrame&) const = default;
};

struct PlannedStep {
  std::vector<PlannedFrame> outer;  // where the thread took what it holds
  std::vector<PlannedFrame> inner;  // where it goes to wait
};

// A cycle by the places in code at which its threads stand.
struct PlannedCycle {
  std::string fingerprint;
  std::string title;
  uint64_t seed = 0;  // that made it happen
  std::vector<PlannedStep> steps;
};

// Of a finding in which threads hold one lock and wait for the next. nullopt: a step has no stack to be known
// by.
std::optional<PlannedCycle> CycleOf(const trace::Run& run, const analyze::Finding& finding);

// Whether the threads of the one wait at the places at which those of the other do.
bool SameWaits(const PlannedCycle& a, const PlannedCycle& b);

struct Plan {
  uint32_t wishes = 0;  // trace::PlanWish
  uint64_t seed = 0;
  uint32_t pause_ms = 1000;
  std::vector<PlannedCycle> cycles;
};

// Empty, or what went wrong.
std::string WritePlan(const Plan& plan, const std::string& path);

// The file of `confirm -o`. Both return what went wrong, empty if nothing; reading refuses a file whose
// modules are no longer what they were.
std::string WriteCycles(const std::vector<PlannedCycle>& cycles, const std::string& path);
std::string ReadCycles(const std::string& path, std::vector<PlannedCycle>* cycles);

}  // namespace gordian::cli

#endif  // GORDIAN_CLI_PLAN_H_
