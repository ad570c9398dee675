// A plan: what gordian asks of the hooks of a run before it begins. A file that gordian writes into the run's
// folder and that every image maps when it starts, shared with all other processes of the run.
//
//     0      PlanHeader
//            PlanStep[step_count]          what is asked of whom
//            PlanStanding[kMostStanding]   threads that stand at a step now, of all processes; all zero at
//            first
//
// Three wishes, each free to be absent:
//   disturb   random pauses at synchronisation calls, from a seed (`gordian run --perturb`, `gordian hunt`)
//   steer     threads that are about to take the last step into a cycle are held back until all of its
//   threads
//             stand there (`gordian confirm`)
//   avoid     the outer acquisitions of a cycle are let through one thread at a time, of all processes
//             (`gordian run --avoid`)
// Whatever is asked: every pause is bounded, and the real call follows unchanged, but for a condition wait
// that is taken apart, so that its thread can be held back when it is awake.
//
// This header is the whole contract and includes nothing of Gordian's.
#ifndef GORDIAN_LIBSYNC_TRACE_PLAN_H_
#define GORDIAN_LIBSYNC_TRACE_PLAN_H_

#include <cstdint>

namespace gordian::trace {

inline constexpr char kPlanMagic[8] = {'G', 'O', 'R', 'D', 'P', 'L', 'N', '\n'};
inline constexpr uint32_t kPlanVersion = 2;

enum PlanWish : uint32_t {
  kDisturb = 1u << 0,
  kSteer = 1u << 1,
  kAvoid = 1u << 2,
};

// A place in code that holds for every run of the same build, wherever it is loaded. A stack with functions
// of a script is known by these alone.
struct PlanFrame {
  uint64_t module;  // the first eight bytes of its build-id, 0 for one without; or ScriptModule()
  uint64_t offset;  // from the start of the module's mapping, or into the script, as in a StackRecord
};

// What a function of a script is known by: all that a CodeRecord says of it, but for where it lies (FNV-1a).
inline uint64_t ScriptModule(const char* text, uint64_t bytes, int32_t first_line) {
  uint64_t hash = 0xCBF29CE484222325u ^ static_cast<uint32_t>(first_line);
  for (uint64_t i = 0; i < bytes; ++i) {
    hash = (hash ^ static_cast<uint8_t>(text[i])) * 0x100000001B3u;
  }
  return hash | 1;
}
inline constexpr int kPlanFrames = 8;

// What a thread brings to its step.
enum class PlanRole : uint32_t {
  kHolds = 0,       // a lock that it took at `outer`
  kThreadEnd = 1,   // its own end, for which another one waits; `outer` is empty
  kProcessEnd = 2,  // that of its process
  kReacquires = 3,  // a lock, as kHolds; `inner` is a condition wait, at whose end it takes the mutex back
  kQueues = 4,      // nothing: a writer that comes between two readers; `outer` is empty
};

// One step of a cycle: a thread goes to wait at `inner` for what another one of the cycle brings. Innermost
// frame first; stacks are compared as deep as they are given.
struct PlanStep {
  uint32_t cycle;        // counts from 0
  uint32_t step;         // within its cycle, from 0
  uint32_t steps;        // of that cycle
  uint32_t outer_count;  // used of `outer`
  uint32_t inner_count;
  PlanRole role;
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
  // When somebody took the list of those who stand, 0: it is free. Whoever keeps it for long is gone.
  uint64_t list_taken_ns;
  // Of each cycle whose outer acquisitions are let through one at a time: futex, the thread inside; 0:
  // nobody.
  uint32_t gates[kMostPlanSteps];
};

// A thread that stands at a step. What it has and what it wants are known by numbers that mean the same in
// all processes of the run.
struct PlanStanding {
  uint64_t end_ns;  // CLOCK_MONOTONIC: until when it stands at most; 0: free
  uint64_t steps;   // a bit each, that it can be: several threads may do the same at one place
  uint64_t has;
  uint64_t wants;
  uint64_t go_ns;  // once it may go: not before this
  uint32_t cycle;
  int32_t pid;
  int32_t tid;
  uint32_t go;  // futex: 1 once all threads of its cycle stand
};
inline constexpr uint32_t kMostStanding = 128;

inline constexpr uint64_t PlanBytes(uint64_t steps) {
  return sizeof(PlanHeader) + steps * sizeof(PlanStep) + kMostStanding * sizeof(PlanStanding);
}
inline constexpr uint64_t kMostPlanBytes = PlanBytes(kMostPlanSteps);

}  // namespace gordian::trace

#endif  // GORDIAN_LIBSYNC_TRACE_PLAN_H_
