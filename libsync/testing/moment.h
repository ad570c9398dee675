// What this process has recorded so far, read from its own trace.
//
// Thread safety: functions without shared state.
#ifndef GORDIAN_LIBSYNC_TESTING_MOMENT_H_
#define GORDIAN_LIBSYNC_TESTING_MOMENT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "libsync/analyze/finding.h"
#include "libsync/trace/run.h"

namespace gordian::gtest {

// A moment between two tests.
struct Moment {
  uint64_t time_ns = 0;                 // CLOCK_MONOTONIC, as the trace has it
  std::vector<trace::Holding> holding;  // by the calling thread
};

// The process as a run of its own, judged as if it were over. nullopt: the trace cannot be read.
std::optional<trace::Run> ReadOwnRun(const std::string& trace_path);

Moment Now(const trace::Run& run);

// What was left behind since `before`: locks that the calling thread took, or a thread that was created
// since, and still held; such threads that nobody joined or detached; children that nobody waited for. May
// look a second time, to tell a thread that holds a lock from one that is just passing through.
std::vector<analyze::Finding> FindLeftBehind(const trace::Run& run, const Moment& before,
                                             const std::string& trace_path);

// What the detectors say, at error level, of anything but what happened before `before`. Cycles of lock
// orders have no moment: the caller remembers which ones it knows, by KeyOf().
std::vector<analyze::Finding> FindMistakes(const trace::Run& run, const Moment& before);

// The same for the same finding in a later reading.
std::string KeyOf(const trace::Run& run, const analyze::Finding& finding);

}  // namespace gordian::gtest

#endif  // GORDIAN_LIBSYNC_TESTING_MOMENT_H_
