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
  PlannedModule module;  // of a script: its file
  uint64_t offset = 0;   // of a script: which instruction
  uint64_t script = 0;   // trace::ScriptModule(); 0: none
  bool operator==(const PlannedFrame&) const = default;
};

struct PlannedStep {
  trace::PlanRole role = trace::PlanRole::kHolds;
  std::vector<PlannedFrame> outer;  // where the thread took what it holds; empty where it brings no lock
  std::vector<PlannedFrame> inner;  // where it goes to wait
  bool operator==(const PlannedStep&) const = default;
};

// A cycle by the places in code at which its threads stand.
struct PlannedCycle {
  std::string fingerprint;
  std::string title;
  uint64_t seed = 0;  // that made it happen
  std::vector<PlannedStep> steps;
};

// A stack by the places that hold for every run of the same build; empty if there are none. One with
// functions of a script is known by these alone: what of the interpreter stands between them changes with the
// call.
std::vector<PlannedFrame> FramesOf(const trace::Run& run, const analyze::StackAt& at);

// Of a finding in which threads wait for each other. nullopt: a step has no stack to be known by.
std::optional<PlannedCycle> CycleOf(const trace::Run& run, const analyze::Finding& finding);

// Whether the threads of a deadlock wait at the places at which those of the cycle do. Writers that come
// between may be missing there.
bool SameWaits(const PlannedCycle& cycle, const PlannedCycle& deadlock);

// Empty, or which file on the disk is no longer what it was when the cycle was found. One that is not there
// is passed over.
std::string BuiltAnew(const PlannedCycle& cycle);

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
