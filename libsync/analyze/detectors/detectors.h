// The detectors, one function a rule family, each in the file of its name. See libsync/analyze/detector.h.
//
// Thread safety: functions without shared state.
#ifndef GORDIAN_LIBSYNC_ANALYZE_DETECTORS_DETECTORS_H_
#define GORDIAN_LIBSYNC_ANALYZE_DETECTORS_DETECTORS_H_

#include <vector>

#include "libsync/analyze/detector.h"

namespace gordian::analyze {

// deadlock, self-deadlock, abandoned-lock, lost-signal
void JudgeDeadlock(const trace::Run& run, const Options& options, std::vector<Finding>* findings);
// lock-order-cycle, join-order-cycle
void JudgeLockOrder(const trace::Run& run, const Options& options, std::vector<Finding>* findings);
// reader-writer-starve
void JudgeReaderWriter(const trace::Run& run, const Options& options, std::vector<Finding>* findings);
// condition-nested-wait
void JudgeConditions(const trace::Run& run, const Options& options, std::vector<Finding>* findings);
// lock-held-at-thread-exit, lock-held-at-process-exit
void JudgeHeldAtEnd(const trace::Run& run, const Options& options, std::vector<Finding>* findings);
// lock-held-by-killed-process
void JudgeKilled(const trace::Run& run, const Options& options, std::vector<Finding>* findings);
// thread-unjoined, thread-running-at-exit
void JudgeThreads(const trace::Run& run, const Options& options, std::vector<Finding>* findings);
// child-zombie, child-orphan
void JudgeChildren(const trace::Run& run, const Options& options, std::vector<Finding>* findings);
// unlock-not-held, unlock-not-owner, destroy-in-use, free-in-use, reinit-in-use, use-after-destroy,
// condition-mutex
void JudgeMisuse(const trace::Run& run, const Options& options, std::vector<Finding>* findings);
// join-misuse
void JudgeJoins(const trace::Run& run, const Options& options, std::vector<Finding>* findings);
// api-error
void JudgeErrors(const trace::Run& run, const Options& options, std::vector<Finding>* findings);
// blocking-while-locked, long-hold, long-wait
void JudgeWaiting(const trace::Run& run, const Options& options, std::vector<Finding>* findings);
// stuck-holder
void JudgeStuckHolders(const trace::Run& run, std::vector<Finding>* findings);
// semaphore-leaked
void JudgeNames(const trace::Run& run, const Options& options, std::vector<Finding>* findings);
// lock-in-signal-handler
void JudgeSignals(const trace::Run& run, const Options& options, std::vector<Finding>* findings);
// fork-while-locked
void JudgeFork(const trace::Run& run, const Options& options, std::vector<Finding>* findings);
// file-lock-lost
void JudgeLostFileLocks(const trace::Run& run, const Options& options, std::vector<Finding>* findings);
// file-race
void JudgeFileRace(const trace::Run& run, const Options& options, std::vector<Finding>* findings);

}  // namespace gordian::analyze

#endif  // GORDIAN_LIBSYNC_ANALYZE_DETECTORS_DETECTORS_H_
