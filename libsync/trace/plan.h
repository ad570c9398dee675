// A plan: what gordian asks of the hooks of a run before it begins. A file that gordian writes into the run's
// folder and that every image maps when it starts.
//
// Three wishes, each free to be absent:
//   disturb   random pauses at synchronisation calls, from a seed (`gordian run --perturb`, `gordian hunt`)
//   steer     threads that are about to take the last step into a cycle are held back until all of its
//   threads stand
//             there (`gordian confirm`)
//   avoid     the outer acquisitions of a cycle are let through one thread at a time (`gordian run --avoid`)
// Whatever is asked: every pause is bounded, and the real call follows unchanged.
//
// This header is the whole contract and includes nothing of Gordian's.
#ifndef GORDIAN_LIBSYNC_TRACE_PLAN_H_
#define GORDIAN_LIBSYNC_TRACE_PLAN_H_

#include <cstdint>

namespace gordian::trace {

inline constexpr char kPlanMagic[8] = {'G', 'O', 'R', 'D', 'P', 'L', 'N', '\n'};
inline constexpr uint32_t kPlanVersion = 1;

enum PlanWish : uint32_t {
  kDisturb = 1u << 0,
  kSteer = 1u << 1,
  kAvoid = 1u << 2,
};

// A place in code that holds for every run of the same build, wherever it is loaded.
struct PlanFrame {
  uint64_t module;  // the first eight bytes of its build-id; 0 for one without
  uint64_t offset;  // from the start of the module's mapping, as in a StackRecord
};
inline constexpr int kPlanFrames = 8;

// One step of a cycle: a thread that took a lock at `outer` goes to take the next one at `inner`. Innermost
// frame first; stacks are compared as deep as they are given.
struct PlanStep {
  uint32_t cycle;        // counts from 0
  uint32_t step;         // within its cycle, from 0
  uint32_t steps;        // of that cycle
  uint32_t outer_count;  // used of `outer`
  uint32_t inner_count;
  uint32_t reserved;
  PlanFrame outer[kPlanFrames];
  PlanFrame inner[kPlanFrames];
};
inline constexpr uint32_t kMostPlanSteps = 60;

struct PlanHeader {
  char magic[8];
  uint32_t version;
  uint32_t wishes;  // PlanWish
  uint64_t seed;
  uint32_t pause_ms;    // the longest that one thread is held back at one time
  uint32_t step_count;  // PlanSteps that follow this header
};

inline constexpr uint64_t kMostPlanBytes = sizeof(PlanHeader) + kMostPlanSteps * sizeof(PlanStep);

}  // namespace gordian::trace

#endif  // GORDIAN_LIBSYNC_TRACE_PLAN_H_
