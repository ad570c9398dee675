// lock-order-cycle and join-order-cycle: cycles of the lock-order graph that another schedule can turn into a
// deadlock. Judged when a process is over, because a later thread may show that a cycle is real.
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
#include "libsync/analyze/order_view.h"
#include "libsync/analyze/wait_for_graph.h"

namespace gordian::analyze {
namespace {

// One process's cycles.
class LockOrderJudge {
 public:
  LockOrderJudge(const trace::Run& run, Index process, Content* content, FindingGroups* groups)
      : run_(run),
        process_(run.processes[static_cast<size_t>(process)]),
        index_(process),
        view_(process_),
        content_(*content),
        groups_(*groups) {}

  void Judge(std::vector<Finding>* findings);

 private:
  // What one edge says: the thread has `held`, or only its own end, and waits for `wanted`, or for the end of
  // `joined`.
  struct Edge {
    const trace::Dependency* dependency = nullptr;
    const trace::Holding* held = nullptr;
    Index wanted = kNoIndex;
    Index joined = kNoIndex;
    const trace::Dependency* writer = nullptr;
  };

  static bool JoinsUnderLock(const Edge& edge) { return edge.joined != kNoIndex && edge.held != nullptr; }

  Edge EdgeOf(const CycleEdge& edge) const;
  // By what it is: classes and code, no instances.
  std::string KeyOf(const Edge& edge);
  std::string NodeKey(Index lock);
  std::set<std::vector<Index>> DeadlockedLocks() const;
  Finding Build(const std::vector<Edge>& ring, bool complete) const;
  static void AddWait(FindingBuilder* builder, const Edge& edge);
  static void AddSteps(FindingBuilder* builder, const std::vector<Edge>& ring);
  static void TellLocks(FindingBuilder* builder, const std::vector<Edge>& ring);
  static void TellJoins(FindingBuilder* builder, const std::vector<Edge>& ring);
  static std::string Sentence(FindingBuilder* builder, const Edge& edge);
  static void TellWriters(FindingBuilder* builder, const std::vector<Edge>& ring);
  static void TellConditions(FindingBuilder* builder, const std::vector<Edge>& ring);

  const trace::Run& run_;
  const trace::Process& process_;
  const Index index_;
  const OrderView view_;
  Content& content_;
  FindingGroups& groups_;
};

LockOrderJudge::Edge LockOrderJudge::EdgeOf(const CycleEdge& edge) const {
  const trace::Process& process = view_.process();
  Edge result;
  result.dependency = &process.dependencies[static_cast<size_t>(edge.dependency)];
  const trace::Holding& held = result.dependency->held[static_cast<size_t>(edge.held)];
  result.held = view_.ThreadOfEnd(held.lock) == kNoIndex ? &held : nullptr;
  result.wanted = result.dependency->lock;
  result.joined = view_.ThreadOfEnd(result.wanted);
  result.writer = At(process.dependencies, edge.writer);
  return result;
}

std::string LockOrderJudge::NodeKey(Index lock) {
  const trace::Thread* thread = At(process_.threads, view_.ThreadOfEnd(lock));
  return thread != nullptr ? absl::StrCat("end:", content_.Stack(index_, thread->create_stack))
                           : content_.LockClass(index_, lock);
}

std::string LockOrderJudge::KeyOf(const Edge& edge) {
  const Index from = edge.held != nullptr ? edge.held->lock : view_.EndOfThread(edge.dependency->thread);
  return absl::StrCat(NodeKey(from), "|", NodeKey(edge.wanted), "|",
                      content_.Stack(index_, edge.held != nullptr ? edge.held->stack : kNoIndex), "|",
                      content_.Stack(index_, edge.dependency->stack));
}

// The locks and ends of deadlocks that did happen: those are reported as such, and not once more as possible.
std::set<std::vector<Index>> LockOrderJudge::DeadlockedLocks() const {
  std::set<std::vector<Index>> result;
  for (const Stall& stall : FindStalls(process_)) {
    std::vector<Index> locks;
    for (size_t i = 0; i < stall.threads.size() && stall.kind == Stall::Kind::kCycle; ++i) {
      const Index other = stall.threads[(i + 1) % stall.threads.size()];
      const trace::Wait& wait = process_.threads[static_cast<size_t>(stall.threads[i])].wait;
      locks.push_back(wait.kind == trace::WaitKind::kJoin ? view_.EndOfThread(other)
                                                          : LockBetween(process_, stall.threads[i], other));
    }
    std::erase(locks, kNoIndex);
    std::sort(locks.begin(), locks.end());
    result.insert(std::move(locks));
  }
  return result;
}

void LockOrderJudge::Judge(std::vector<Finding>* findings) {
  const CycleSearchResult result = FindLockOrderCycles(view_);
  if (result.cycles.empty()) {
    return;
  }
  const std::set<std::vector<Index>> deadlocked = DeadlockedLocks();
  for (const LockOrderCycle& cycle : result.cycles) {
    std::vector<Edge> ring;
    std::vector<std::string> keys;
    std::vector<Index> locks;
    for (const CycleEdge& edge : cycle.edges) {
      ring.push_back(EdgeOf(edge));
      keys.push_back(KeyOf(ring.back()));
      locks.push_back(ring.back().wanted);
    }
    std::sort(locks.begin(), locks.end());
    // The set of edges, so that a ring of three accounts is the same finding as a ring of two.
    const std::set<std::string> distinct(keys.begin(), keys.end());
    if (deadlocked.count(locks) == 0 && !groups_.Again(absl::StrJoin(distinct, "\n"))) {
      const auto first = static_cast<std::ptrdiff_t>(SmallestRotation(keys));
      std::rotate(ring.begin(), ring.begin() + first, ring.end());
      // Of a ring with joins the one that joins under a lock comes first.
      if (const auto joins = std::find_if(ring.begin(), ring.end(), JoinsUnderLock); joins != ring.end()) {
        std::rotate(ring.begin(), joins, ring.end());
      }
      findings->push_back(Build(ring, result.complete));
    }
  }
}

void LockOrderJudge::AddWait(FindingBuilder* builder, const Edge& edge) {
  const int part = builder->AddThread(edge.dependency->thread);
  const int lock = edge.joined == kNoIndex ? builder->AddLock(edge.wanted) : -1;
  const int joined = builder->AddThread(edge.joined);
  WaitPart& waits = builder->finding().threads[static_cast<size_t>(part)].waits;
  waits.kind = joined >= 0 ? trace::WaitKind::kJoin : trace::WaitKind::kLock;
  waits.lock = lock;
  waits.thread = joined;
  waits.stack = builder->Stack(edge.dependency->stack);
  builder->AddStep(part, joined >= 0 ? "join" : "blocks on", lock, edge.dependency->stack);
}

// First everybody takes a lock, then writers queue, then everybody wants the next.
void LockOrderJudge::AddSteps(FindingBuilder* builder, const std::vector<Edge>& ring) {
  for (const Edge& edge : ring) {
    const int part = builder->AddThread(edge.dependency->thread);
    if (edge.held != nullptr) {
      builder->AddHeld(part, *edge.held);
      builder->AddStep(part, edge.held->mode == trace::Mode::kShared ? "lock shared" : "lock",
                       builder->AddLock(edge.held->lock), edge.held->stack);
      builder->AddIdentity(edge.held->stack);
    }
    builder->AddIdentity(edge.dependency->stack);
  }
  for (const Edge& edge : ring) {
    if (edge.writer == nullptr) {
      continue;
    }
    const int part = builder->AddThread(edge.writer->thread);
    const int lock = builder->AddLock(edge.writer->lock);
    ThreadPart& writer = builder->finding().threads[static_cast<size_t>(part)];
    writer.role = "a writer that comes between";
    writer.waits.kind = trace::WaitKind::kLock;
    writer.waits.lock = lock;
    writer.waits.stack = builder->Stack(edge.writer->stack);
    builder->AddStep(part, "queues to write", lock, edge.writer->stack);
  }
  for (const Edge& edge : ring) {
    AddWait(builder, edge);
  }
}

Finding LockOrderJudge::Build(const std::vector<Edge>& ring, bool complete) const {
  const bool joins =
      std::any_of(ring.begin(), ring.end(), [](const Edge& edge) { return edge.joined != kNoIndex; });
  FindingBuilder builder(joins ? "join-order-cycle" : "lock-order-cycle", run_, index_);
  Finding& finding = builder.finding();
  AddSteps(&builder, ring);
  if (joins) {
    TellJoins(&builder, ring);
  } else {
    TellLocks(&builder, ring);
  }
  TellConditions(&builder, ring);
  if (!complete) {
    finding.explanation += " The search for further cycles was cut short: there are very many.";
  }
  return std::move(finding);
}

// "T1 holds A and then takes B".
std::string LockOrderJudge::Sentence(FindingBuilder* builder, const Edge& edge) {
  const bool again = (edge.dependency->flags & trace::kReacquire) != 0;
  const std::string waits =
      edge.joined != kNoIndex
          ? absl::StrCat("joins ", ThreadName(builder->AddThread(edge.joined)))
          : absl::StrCat(again ? "takes back, at the end of a condition wait, " : "takes ",
                         LockName(builder->AddLock(edge.wanted)));
  const std::string thread = ThreadName(builder->AddThread(edge.dependency->thread));
  return edge.held != nullptr ? absl::StrCat(thread, " holds ", LockName(builder->AddLock(edge.held->lock)),
                                             " and then ", waits)
                              : absl::StrCat(thread, " ", waits, " before it ends");
}

void LockOrderJudge::TellWriters(FindingBuilder* builder, const std::vector<Edge>& ring) {
  for (const Edge& edge : ring) {
    if (edge.writer != nullptr) {
      const std::string lock = LockName(builder->AddLock(edge.writer->lock));
      absl::StrAppend(&builder->finding().explanation, ThreadName(builder->AddThread(edge.writer->thread)),
                      " writes ", lock, ": while it queues for the readers to leave, ", lock,
                      " lets no new reader in. ");
    }
  }
}

void LockOrderJudge::TellLocks(FindingBuilder* builder, const std::vector<Edge>& ring) {
  Finding& finding = builder->finding();
  const size_t count = ring.size();
  finding.title =
      count == 2 ? std::string("Possible deadlock: {lock:0} and {lock:1} are taken in opposite orders")
                 : absl::StrCat("Possible deadlock: ", count, " locks are taken in orders that form a ring");
  for (const Edge& edge : ring) {
    absl::StrAppend(&finding.explanation, Sentence(builder, edge), &edge != &ring.back() ? "; " : ". ");
  }
  TellWriters(builder, ring);
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

void LockOrderJudge::TellJoins(FindingBuilder* builder, const std::vector<Edge>& ring) {
  Finding& finding = builder->finding();
  for (const Edge& edge : ring) {
    absl::StrAppend(&finding.explanation, Sentence(builder, edge), &edge != &ring.back() ? "; " : ". ");
  }
  TellWriters(builder, ring);
  const Edge& first = ring.front();
  if (!JoinsUnderLock(first)) {
    finding.title = absl::StrCat("Possible deadlock: ", ring.size(), " threads join each other in a ring");
    finding.fix = "Let one thread join the others.";
    return;
  }
  const std::string joiner = ThreadName(builder->AddThread(first.dependency->thread));
  const std::string joined = ThreadName(builder->AddThread(first.joined));
  const std::string lock = LockName(builder->AddLock(first.held->lock));
  finding.title = absl::StrCat(
      "Possible deadlock: ", joiner, " joins ", joined, " while it holds ", lock,
      ring.size() == 2 ? absl::StrCat(", which ", joined, " takes") : ", and the ring of waits closes");
  absl::StrAppend(&finding.explanation, "If ", joiner, " has ", lock,
                  " before the others have come that far, it waits for a thread that cannot end. ",
                  "In this run it came later; with other timing, or more load, the program hangs.");
  finding.fix =
      absl::StrCat("Release ", lock, " before joining ", joined, ", or join it before taking ", lock, ".");
}

void LockOrderJudge::TellConditions(FindingBuilder* builder, const std::vector<Edge>& ring) {
  const size_t count = ring.size();
  bool any_shared = false;
  bool any_writer = false;
  bool any_join = false;
  uint64_t latest_first = 0;
  uint64_t earliest_last = UINT64_MAX;
  for (const Edge& edge : ring) {
    const trace::Dependency& dependency = *edge.dependency;
    any_shared = any_shared || dependency.mode == trace::Mode::kShared ||
                 (edge.held != nullptr && edge.held->mode == trace::Mode::kShared);
    any_writer = any_writer || edge.writer != nullptr;
    any_join = any_join || edge.joined != kNoIndex;
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
  if (any_join) {
    builder->AddCondition(kNoSoftOrder,
                          "the joiner passed no condition, semaphore or barrier since the thread was created "
                          "that could have told how far it is");
  }
  builder->AddCondition(kCanBlock, "none of the waits is a try or has a timeout");
}

}  // namespace

void JudgeLockOrder(const trace::Run& run, const Options& /*options*/, std::vector<Finding>* findings) {
  Content content(run);
  FindingGroups groups(findings);
  for (size_t p = 0; p < run.processes.size(); ++p) {
    if (IsOver(run, run.processes[p])) {
      LockOrderJudge(run, static_cast<Index>(p), &content, &groups).Judge(findings);
    }
  }
}

}  // namespace gordian::analyze
