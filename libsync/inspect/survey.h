// A Run of processes that nobody prepared: what their threads wait for, who owns it, and where they stand,
// taken from /proc and from the C library's own fields, without stopping anybody unless asked to. What a
// process of a recorded run has in its trace is added.
//
// Each thread is looked at several times. One that was asleep at the same place at every look, without a
// switch in between, is settled; only such waits may be called a deadlock. Everything else was moving, or may
// have been.
//
// Thread safety: functions without shared state.
#ifndef GORDIAN_LIBSYNC_INSPECT_SURVEY_H_
#define GORDIAN_LIBSYNC_INSPECT_SURVEY_H_

#include <sys/types.h>

#include <set>
#include <string>
#include <vector>

#include "libsync/inspect/releasers.h"
#include "libsync/trace/run.h"

namespace gordian::inspect {

struct SurveyOptions {
  int looks = 3;
  int apart_ms = 100;
  // Without them, what a futex belongs to is told by the memory alone, and all is far cheaper.
  bool stacks = true;
  // Stop threads that run, or wait for a futex without a timeout, for a moment: their stacks are exact then,
  // and what runs has one at all.
  bool stop = false;
  Surroundings surroundings;
};

// Why a process is not in the Run.
struct Refusal {
  enum class Why {
    kGone,          // there is no such process, or it ended meanwhile
    kNotPermitted,  // the kernel does not let us look into it
  };
  pid_t pid = 0;
  Why why = Why::kGone;
};

struct Survey {
  trace::Run run;
  std::vector<Refusal> refused;
  // Processes that were not looked at, and that could end a wait of those that were.
  std::set<pid_t> partners;
};

Survey TakeSurvey(const std::vector<pid_t>& pids, const SurveyOptions& options);

}  // namespace gordian::inspect

#endif  // GORDIAN_LIBSYNC_INSPECT_SURVEY_H_
