#include "libsync/analyze/verdict.h"

#include <algorithm>

#include "libsync/analyze/lookup.h"
#include "libsync/analyze/wait_for_graph.h"

namespace gordian::analyze {
namespace {

using trace::Index;
using trace::kNoIndex;

// Who must move before this thread does; kNoIndex: nobody in particular.
Index Awaited(const trace::Process& process, const trace::Thread& thread) {
  if (thread.wait.kind == trace::WaitKind::kJoin) {
    return thread.wait.thread;
  }
  const Index lock = AwaitedLock(thread.wait);
  for (size_t t = 0; lock != kNoIndex && t < process.threads.size(); ++t) {
    const std::vector<trace::Holding>& held = process.threads[t].held;
    if (std::any_of(held.begin(), held.end(), [lock](const trace::Holding& h) { return h.lock == lock; })) {
      return static_cast<Index>(t);
    }
  }
  return kNoIndex;
}

// A thread that stood still moves soon if the one at the end of its chain does.
Verdict OfChain(const trace::Process& process, Index thread) {
  for (size_t steps = 0; steps <= process.threads.size(); ++steps) {
    const trace::Thread& at = process.threads[static_cast<size_t>(thread)];
    if (!at.settled && at.polls) {
      return steps == 0 ? Verdict::kPolling : Verdict::kWaitingOutside;
    }
    if (!at.settled) {
      return Verdict::kProgressing;
    }
    const Index next = Awaited(process, at);
    if (At(process.threads, next) == nullptr) {
      break;
    }
    thread = next;
  }
  return Verdict::kWaitingOutside;
}

std::vector<Verdict> OfProcess(const trace::Process& process, const std::vector<bool>& stuck) {
  std::vector<Verdict> verdicts;
  for (size_t t = 0; t < process.threads.size(); ++t) {
    verdicts.push_back(stuck[t] ? Verdict::kDeadlock : OfChain(process, static_cast<Index>(t)));
  }
  return verdicts;
}

}  // namespace

std::vector<std::vector<Verdict>> ThreadVerdicts(const trace::Run& run) {
  const std::vector<std::vector<bool>> stuck = StuckThreads(run);
  std::vector<std::vector<Verdict>> verdicts;
  for (size_t p = 0; p < run.processes.size(); ++p) {
    verdicts.push_back(OfProcess(run.processes[p], stuck[p]));
  }
  for (const Stall& stall : FindStalls(run)) {
    for (const std::vector<ThreadRef>* threads : {&stall.threads, &stall.behind}) {
      for (const ThreadRef& ref : *threads) {
        if (stall.kind == Stall::Kind::kAbandoned) {
          verdicts[static_cast<size_t>(ref.process)][static_cast<size_t>(ref.thread)] = Verdict::kOwnerGone;
        }
      }
    }
  }
  return verdicts;
}

}  // namespace gordian::analyze
