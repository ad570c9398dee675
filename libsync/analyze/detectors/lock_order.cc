// lock-order-cycle: cycles of the lock-order graph that another schedule can turn into a deadlock. Judged
// when a process is over, because a later thread may show that a cycle is real.
#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "libsync/analyze/content.h"
#include "libsync/analyze/cycle_search.h"
#include "libsync/analyze/detectors/detectors.h"
#include "libsync/analyze/finding_builder.h"
#include "libsync/analyze/lookup.h"
#include "libsync/analyze/wait_for_graph.h"

namespace gordian::analyze {
namespace {

class LockOrderJudge {
 public:
  LockOrderJudge(const trace::Run& run, std::vector<Finding>* findings)
      : run_(run), content_(run), findings_(findings), groups_(findings) {}

  void Judge(Index process);

 private:
  // An edge by what it is: classes and code, no instances.
  std::string EdgeKey(const CycleEdge& edge);
  std::string CycleKey(const LockOrderCycle& cycle);
  void Rotate(LockOrderCycle* cycle);
  std::set<std::vector<Index>> DeadlockedLocks() const;
  Finding Build(const LockOrderCycle& cycle, bool complete);
  void AddSteps(FindingBuilder* builder, const LockOrderCycle& cycle) const;
  void AddWait(FindingBuilder* builder, const trace::Dependency& dependency, const char* action) const;
  void Tell(FindingBuilder* builder, const LockOrderCycle& cycle) const;
  void TellConditions(FindingBuilder* builder, const LockOrderCycle& cycle) const;

  const trace::Dependency& DependencyOf(const CycleEdge& edge) const {
    return process_->dependencies[static_cast<size_t>(edge.dependency)];
  }
  const trace::Dependency* WriterOf(const CycleEdge& edge) const {
    return At(process_->dependencies, edge.writer);
  }
  const trace::Holding& HeldOf(const CycleEdge& edge) const {
    return DependencyOf(edge).held[static_cast<size_t>(edge.held)];
  }

  const trace::Run& run_;
  Content content_;
  std::vector<Finding>* findings_;
  FindingGroups groups_;
  const trace::Process* process_ = nullptr;
  Index index_ = kNoIndex;
};

std::string LockOrderJudge::EdgeKey(const CycleEdge& edge) {
  const trace::Dependency& dependency = DependencyOf(edge);
  const trace::Holding& held = HeldOf(edge);
  return absl::StrCat(content_.LockClass(index_, held.lock), "|", content_.LockClass(index_, dependency.lock),
                      "|", content_.Stack(index_, held.stack), "|", content_.Stack(index_, dependency.stack));
}

// The set of edges, so that a ring of three accounts is the same finding as a ring of two.
std::string LockOrderJudge::CycleKey(const LockOrderCycle& cycle) {
  std::set<std::string> keys;
  for (const CycleEdge& edge : cycle.edges) {
    keys.insert(EdgeKey(edge));
  }
  return absl::StrJoin(keys, "\n");
}

void LockOrderJudge::Rotate(LockOrderCycle* cycle) {
  std::vector<std::string> keys;
  keys.reserve(cycle->edges.size());
  for (const CycleEdge& edge : cycle->edges) {
    keys.push_back(EdgeKey(edge));
  }
  std::rotate(cycle->edges.begin(),
              cycle->edges.begin() + static_cast<std::ptrdiff_t>(SmallestRotation(keys)), cycle->edges.end());
}

// The locks of deadlocks that did happen: those are reported as such, and not once more as possible.
std::set<std::vector<Index>> LockOrderJudge::DeadlockedLocks() const {
  std::set<std::vector<Index>> result;
  for (const Stall& stall : FindStalls(*process_)) {
    std::vector<Index> locks;
    for (size_t i = 0; i < stall.threads.size() && stall.kind == Stall::Kind::kCycle; ++i) {
      locks.push_back(
          LockBetween(*process_, stall.threads[i], stall.threads[(i + 1) % stall.threads.size()]));
    }
    std::erase(locks, kNoIndex);
    std::sort(locks.begin(), locks.end());
    result.insert(std::move(locks));
  }
  return result;
}

void LockOrderJudge::Judge(Index process) {
  index_ = process;
  process_ = &run_.processes[static_cast<size_t>(process)];
  CycleSearchResult result = FindLockOrderCycles(*process_);
  if (result.cycles.empty()) {
    return;
  }
  const std::set<std::vector<Index>> deadlocked = DeadlockedLocks();
  for (LockOrderCycle& cycle : result.cycles) {
    std::vector<Index> locks;
    for (const CycleEdge& edge : cycle.edges) {
      locks.push_back(HeldOf(edge).lock);
    }
    std::sort(locks.begin(), locks.end());
    if (deadlocked.count(locks) == 0 && !groups_.Again(CycleKey(cycle))) {
      Rotate(&cycle);
      findings_->push_back(Build(cycle, result.complete));
    }
  }
}

void LockOrderJudge::AddWait(FindingBuilder* builder, const trace::Dependency& dependency,
                             const char* action) const {
  const int part = builder->AddThread(dependency.thread);
  const int lock = builder->AddLock(dependency.lock);
  WaitPart& waits = builder->finding().threads[static_cast<size_t>(part)].waits;
  waits.kind = trace::WaitKind::kLock;
  waits.lock = lock;
  waits.stack = builder->Stack(dependency.stack);
  builder->AddStep(part, action, lock, dependency.stack);
}

// First everybody takes a lock, then writers queue, then everybody wants the next.
void LockOrderJudge::AddSteps(FindingBuilder* builder, const LockOrderCycle& cycle) const {
  for (const CycleEdge& edge : cycle.edges) {
    const trace::Holding& held = HeldOf(edge);
    const int part = builder->AddThread(DependencyOf(edge).thread);
    builder->AddHeld(part, held);
    builder->AddStep(part, held.mode == trace::Mode::kShared ? "lock shared" : "lock",
                     builder->AddLock(held.lock), held.stack);
    builder->AddIdentity(held.stack);
    builder->AddIdentity(DependencyOf(edge).stack);
  }
  for (const CycleEdge& edge : cycle.edges) {
    if (const trace::Dependency* writer = WriterOf(edge); writer != nullptr) {
      AddWait(builder, *writer, "queues to write");
      ThreadPart& part = builder->finding().threads[static_cast<size_t>(builder->AddThread(writer->thread))];
      part.role = "a writer that comes between";
    }
  }
  for (const CycleEdge& edge : cycle.edges) {
    AddWait(builder, DependencyOf(edge), "blocks on");
  }
}

Finding LockOrderJudge::Build(const LockOrderCycle& cycle, bool complete) {
  FindingBuilder builder("lock-order-cycle", run_, index_);
  Finding& finding = builder.finding();
  AddSteps(&builder, cycle);
  Tell(&builder, cycle);
  TellConditions(&builder, cycle);
  if (!complete) {
    finding.explanation += " The search for further cycles was cut short: there are very many.";
  }
  return std::move(finding);
}

void LockOrderJudge::Tell(FindingBuilder* builder, const LockOrderCycle& cycle) const {
  Finding& finding = builder->finding();
  const size_t count = cycle.edges.size();
  finding.title =
      count == 2 ? std::string("Possible deadlock: {lock:0} and {lock:1} are taken in opposite orders")
                 : absl::StrCat("Possible deadlock: ", count, " locks are taken in orders that form a ring");
  for (size_t e = 0; e < count; ++e) {
    const bool again = (DependencyOf(cycle.edges[e]).flags & trace::kReacquire) != 0;
    absl::StrAppend(&finding.explanation, ThreadName(static_cast<int>(e)), " holds ",
                    LockName(static_cast<int>(e)), " and then ",
                    again ? "takes back, at the end of a condition wait, " : "takes ",
                    LockName(static_cast<int>((e + 1) % count)), e + 1 < count ? "; " : ". ");
  }
  for (const CycleEdge& edge : cycle.edges) {
    if (const trace::Dependency* writer = WriterOf(edge); writer != nullptr) {
      const std::string lock = LockName(builder->AddLock(writer->lock));
      absl::StrAppend(&finding.explanation, ThreadName(builder->AddThread(writer->thread)), " writes ", lock,
                      ": while it queues for the readers to leave, ", lock, " lets no new reader in. ");
    }
  }
  absl::StrAppend(
      &finding.explanation, "If ", count == 2 ? "both" : "all",
      " reach their first lock before any has the second, each waits for the next and none ever goes on. ",
      "In this run they came at different moments; with other timing, or more load, the program hangs.");
  finding.fix = count == 2 ? "Take {lock:0} and {lock:1} in the same order in both places, or both at once "
                             "with std::scoped_lock, "
                             "or release the first before taking the second."
                           : "Choose one order for these locks and keep to it everywhere, or release one "
                             "lock of the ring before "
                             "taking the next.";
}

void LockOrderJudge::TellConditions(FindingBuilder* builder, const LockOrderCycle& cycle) const {
  const size_t count = cycle.edges.size();
  bool any_shared = false;
  bool any_writer = false;
  uint64_t latest_first = 0;
  uint64_t earliest_last = UINT64_MAX;
  for (const CycleEdge& edge : cycle.edges) {
    const trace::Dependency& dependency = DependencyOf(edge);
    any_shared =
        any_shared || dependency.mode == trace::Mode::kShared || HeldOf(edge).mode == trace::Mode::kShared;
    any_writer = any_writer || WriterOf(edge) != nullptr;
    latest_first = std::max(latest_first, dependency.first_ns);
    earliest_last = std::min(earliest_last, dependency.last_ns);
  }
  const uint64_t apart_ms = latest_first > earliest_last ? (latest_first - earliest_last) / 1'000'000 : 0;
  builder->AddCondition(kDistinctThreads,
                        absl::StrCat(count, " different threads make the ", count, " steps"));
  builder->AddCondition(kNoCommonGate,
                        "no lock is held by two of them that would let only one through at a time");
  builder->AddCondition(kModesConflict,
                        any_writer   ? "where a reader waits for a reader, a writer queues between them"
                        : any_shared ? "each wait is for writing, or for reading what is held for writing"
                                     : "every lock is taken exclusively");
  builder->AddCondition(
      kMayOverlap,
      absl::StrCat("no creation and no join of a thread puts one before the other; they were seen ",
                   apart_ms > 0 ? Milliseconds(apart_ms) + " apart" : "in the same stretch of time"));
  builder->AddCondition(kCanBlock, "none of the waits is a try or has a timeout");
}

}  // namespace

void JudgeLockOrder(const trace::Run& run, const Options& /*options*/, std::vector<Finding>* findings) {
  LockOrderJudge judge(run, findings);
  for (size_t p = 0; p < run.processes.size(); ++p) {
    if (IsOver(run, run.processes[p])) {
      judge.Judge(static_cast<Index>(p));
    }
  }
}

}  // namespace gordian::analyze
