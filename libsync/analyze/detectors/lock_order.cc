// lock-order-cycle and join-order-cycle: cycles of the lock-order graph that another schedule can turn into a
// deadlock, within a process and over processes that share locks. Judged when a process, or the run, is over,
// because a later thread may show that a cycle is real.
#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "libsync/analyze/content.h"
#include "libsync/analyze/cycle_search.h"
#include "libsync/analyze/detectors/detectors.h"
#include "libsync/analyze/finding_builder.h"
#include "libsync/analyze/lineage.h"
#include "libsync/analyze/lookup.h"
#include "libsync/analyze/order_view.h"
#include "libsync/analyze/sharing.h"
#include "libsync/analyze/view_finding.h"
#include "libsync/analyze/wait_for_graph.h"

namespace gordian::analyze {
namespace {

// What one edge says: the thread has `held`, or only its own end, and waits for `wanted`, which may be an
// end.
struct Edge {
  const trace::Dependency* dependency = nullptr;
  Index from = kNoIndex;
  const trace::Holding* held = nullptr;
  Index wanted = kNoIndex;
  const OrderView::End* awaited = nullptr;
  const trace::Dependency* writer = nullptr;
};
using Ring = std::vector<Edge>;
// Locks of a run, each by a record of its own process.
using RunLocks = std::vector<OrderView::Origin>;

// How many processes the kernel follows from one that waits for a POSIX file lock (MAX_DEADLK_ITERATIONS in
// Linux's fs/locks.c). A ring of no more is none: it answers EDEADLK.
constexpr size_t kMostFollowed = 10;

bool AwaitsUnderLock(const Edge& edge) { return edge.awaited != nullptr && edge.held != nullptr; }

// The cycles of one view.
class LockOrderJudge {
 public:
  LockOrderJudge(const trace::Run& run, const OrderView& view, Content* content, FindingGroups* groups)
      : run_(run), view_(view), content_(run, view, content), groups_(*groups) {}

  // All of them; `rings` gets their locks. False: there may be more.
  bool Judge(std::vector<Finding>* findings, std::vector<RunLocks>* rings);
  // Those that need several processes. `known` were found within one. False: as above.
  bool JudgeOver(const std::vector<RunLocks>& known, std::vector<Finding>* findings);

 private:
  Ring RingOf(const LockOrderCycle& cycle) const;
  // By what it is: classes and code, no instances.
  std::string KeyOf(const Edge& edge);
  std::set<std::vector<Index>> DeadlockedLocks() const;
  bool IsOfSeveralProcesses(const Ring& ring) const;
  void Report(Ring ring, bool soft, bool complete, std::vector<Finding>* findings);
  std::vector<Index> SortedLocks(const Ring& ring) const;

  const trace::Run& run_;
  const OrderView& view_;
  ViewContent content_;
  FindingGroups& groups_;
};

// Puts one ring into words.
class RingTeller {
 public:
  RingTeller(const trace::Run& run, const OrderView& view, const Ring& ring, bool soft)
      : run_(run),
        view_(view),
        ring_(ring),
        soft_(soft),
        ends_(
            std::any_of(ring.begin(), ring.end(), [](const Edge& edge) { return edge.awaited != nullptr; })),
        parts_(ends_ ? "join-order-cycle" : "lock-order-cycle", run, view) {}

  Finding Tell();

 private:
  void AddSteps();
  void AddWait(const Edge& edge);
  int AwaitedProcess(const OrderView::End& end);
  std::string EndName(const OrderView::End& end);
  std::string Sentence(const Edge& edge);
  void TellSentences();
  void TellLocks();
  void TellEnds();
  void TellConditions();
  std::string HowOften(const Edge& edge);
  const char* Chance() const;
  bool IsBrokenByKernel() const;
  // Python's queues, events and conditions hand over without a call that is seen, where nobody waits yet.
  bool AnyOfScript() const;
  bool OverProcesses() { return parts_.finding().processes.size() > 1; }

  const trace::Run& run_;
  const OrderView& view_;
  const Ring& ring_;
  const bool soft_;
  const bool ends_;
  ViewFinding parts_;
};

Ring LockOrderJudge::RingOf(const LockOrderCycle& cycle) const {
  const trace::Process& process = view_.process();
  Ring ring;
  for (const CycleEdge& edge : cycle.edges) {
    Edge told;
    told.dependency = &process.dependencies[static_cast<size_t>(edge.dependency)];
    const trace::Holding& held = told.dependency->held[static_cast<size_t>(edge.held)];
    told.from = held.lock;
    told.held = view_.EndAt(held.lock) == nullptr ? &held : nullptr;
    told.wanted = told.dependency->lock;
    told.awaited = view_.EndAt(told.wanted);
    told.writer = At(process.dependencies, edge.writer);
    ring.push_back(told);
  }
  return ring;
}

std::string LockOrderJudge::KeyOf(const Edge& edge) {
  return absl::StrCat(content_.Lock(edge.from), "|", content_.Lock(edge.wanted), "|",
                      content_.Stack(*edge.dependency, edge.held != nullptr ? edge.held->stack : kNoIndex),
                      "|", content_.Stack(*edge.dependency, edge.dependency->stack));
}

std::vector<Index> LockOrderJudge::SortedLocks(const Ring& ring) const {
  std::vector<Index> locks;
  for (const Edge& edge : ring) {
    locks.push_back(view_.locks().Of(edge.wanted));
  }
  std::sort(locks.begin(), locks.end());
  return locks;
}

// The locks and ends of deadlocks that did happen: those are reported as such, and not once more as possible.
std::set<std::vector<Index>> LockOrderJudge::DeadlockedLocks() const {
  std::set<std::vector<Index>> result;
  for (const Stall& stall : FindStalls(run_, view_.Processes())) {
    std::vector<Index> locks;
    for (size_t i = 0; i < stall.edges.size(); ++i) {
      const ThreadRef& next = stall.threads[(i + 1) % stall.threads.size()];
      locks.push_back(stall.edges[i].lock == kNoIndex
                          ? view_.EndOfThread(view_.ViewedThread({next.process, next.thread}))
                          : view_.ViewedLock({stall.threads[i].process, stall.edges[i].lock}));
    }
    std::erase(locks, kNoIndex);
    std::sort(locks.begin(), locks.end());
    result.insert(std::move(locks));
  }
  return result;
}

void LockOrderJudge::Report(Ring ring, bool soft, bool complete, std::vector<Finding>* findings) {
  std::vector<std::string> keys;
  keys.reserve(ring.size());
  for (const Edge& edge : ring) {
    keys.push_back(KeyOf(edge));
  }
  // The set of edges, so that a ring of three accounts is the same finding as a ring of two.
  const std::set<std::string> distinct(keys.begin(), keys.end());
  Finding* known = groups_.Known(absl::StrJoin(distinct, "\n"));
  if (known != nullptr && (soft || known->level == Level::kError)) {
    return;
  }
  const auto first = static_cast<std::ptrdiff_t>(SmallestRotation(keys));
  std::rotate(ring.begin(), ring.begin() + first, ring.end());
  // Of a ring with joins the one that joins under a lock comes first.
  if (const auto joins = std::find_if(ring.begin(), ring.end(), AwaitsUnderLock); joins != ring.end()) {
    std::rotate(ring.begin(), joins, ring.end());
  }
  Finding finding = RingTeller(run_, view_, ring, soft).Tell();
  if (!complete) {
    finding.explanation += " The search for further cycles was cut short: there are very many.";
  }
  if (known == nullptr) {
    findings->push_back(std::move(finding));
  } else {
    finding.count = known->count;  // nothing kept this one apart
    *known = std::move(finding);
  }
}

bool LockOrderJudge::Judge(std::vector<Finding>* findings, std::vector<RunLocks>* rings) {
  const CycleSearchResult result = FindLockOrderCycles(view_);
  if (result.cycles.empty()) {
    return result.complete;
  }
  const std::set<std::vector<Index>> deadlocked = DeadlockedLocks();
  for (const LockOrderCycle& cycle : result.cycles) {
    Ring ring = RingOf(cycle);
    const std::vector<Index> locks = SortedLocks(ring);
    rings->emplace_back();
    for (const Index lock : locks) {
      if (view_.EndAt(lock) == nullptr) {
        rings->back().push_back(view_.OfLock(lock));
      }
    }
    if (deadlocked.count(locks) == 0) {
      Report(std::move(ring), cycle.soft, result.complete, findings);
    }
  }
  return result.complete;
}

bool LockOrderJudge::IsOfSeveralProcesses(const Ring& ring) const {
  std::set<int32_t> pids;
  for (const Edge& edge : ring) {
    const Index process = view_.OfThread(edge.dependency->thread).process;
    pids.insert(run_.processes[static_cast<size_t>(process)].pid);
  }
  return pids.size() > 1;
}

bool LockOrderJudge::JudgeOver(const std::vector<RunLocks>& known, std::vector<Finding>* findings) {
  const CycleSearchResult result = FindLockOrderCycles(view_);
  std::set<std::vector<Index>> silent =
      result.cycles.empty() ? std::set<std::vector<Index>>{} : DeadlockedLocks();
  for (const RunLocks& ring : known) {
    std::vector<Index> locks;
    for (const OrderView::Origin& lock : ring) {
      locks.push_back(view_.ViewedLock(lock));
    }
    std::sort(locks.begin(), locks.end());
    silent.insert(std::move(locks));
  }
  for (const LockOrderCycle& cycle : result.cycles) {
    Ring ring = RingOf(cycle);
    if (IsOfSeveralProcesses(ring) && silent.count(SortedLocks(ring)) == 0) {
      Report(std::move(ring), cycle.soft, result.complete, findings);
    }
  }
  return result.complete;
}

Finding RingTeller::Tell() {
  AddSteps();
  parts_.AddProcesses();
  if (ends_) {
    TellEnds();
  } else {
    TellLocks();
  }
  TellConditions();
  parts_.finding().level =
      soft_ || IsBrokenByKernel() || AnyOfScript() ? Level::kWarning : parts_.finding().level;
  return std::move(parts_.finding());
}

bool RingTeller::IsBrokenByKernel() const {
  return ring_.size() <= kMostFollowed && std::all_of(ring_.begin(), ring_.end(), [this](const Edge& edge) {
           return edge.awaited == nullptr && view_.process().locks[static_cast<size_t>(edge.wanted)].kind ==
                                                 trace::LockKind::kPosixFileLock;
         });
}

bool RingTeller::AnyOfScript() const {
  return std::any_of(ring_.begin(), ring_.end(), [this](const Edge& edge) {
    return IsOfScript(view_.process(), edge.dependency->stack);
  });
}

int RingTeller::AwaitedProcess(const OrderView::End& end) {
  return end.of_process ? parts_.builder().In(view_.OfThread(end.thread).process).AddProcess() : -1;
}

std::string RingTeller::EndName(const OrderView::End& end) {
  return end.of_process ? ProcessName(AwaitedProcess(end)) : parts_.Thread(end.thread);
}

void RingTeller::AddWait(const Edge& edge) {
  const trace::Dependency& dependency = *edge.dependency;
  const int part = parts_.AddThread(dependency.thread);
  if (edge.awaited == nullptr) {
    const int lock = parts_.AddLock(edge.wanted);
    parts_.SetWait(part, lock, dependency);
    parts_.AddStep(part, "blocks on", lock, dependency, dependency.stack);
    return;
  }
  const int process = AwaitedProcess(*edge.awaited);
  const int joined = process < 0 ? parts_.AddThread(edge.awaited->thread) : -1;
  parts_.SetWait(part, -1, dependency);
  WaitPart& waits = parts_.finding().threads[static_cast<size_t>(part)].waits;
  waits.kind = process < 0 ? trace::WaitKind::kJoin : trace::WaitKind::kProcess;
  waits.thread = joined;
  waits.process = process;
  parts_.AddStep(part, process < 0 ? "join" : absl::StrCat("waits for ", ProcessName(process)), -1,
                 dependency, dependency.stack);
}

// First everybody takes a lock, then writers queue, then everybody wants the next.
void RingTeller::AddSteps() {
  for (const Edge& edge : ring_) {
    const trace::Dependency& dependency = *edge.dependency;
    const int part = parts_.AddThread(dependency.thread);
    if (edge.held != nullptr) {
      parts_.AddHeld(part, dependency, *edge.held);
      parts_.AddStep(part, TakeWord(edge.held->mode), parts_.AddLock(edge.from), dependency,
                     edge.held->stack);
      parts_.AddIdentity(dependency, edge.held->stack);
    }
    parts_.AddIdentity(dependency, dependency.stack);
  }
  for (const Edge& edge : ring_) {
    if (edge.writer != nullptr) {
      const int part = parts_.AddThread(edge.writer->thread);
      const int lock = parts_.AddLock(edge.writer->lock);
      parts_.finding().threads[static_cast<size_t>(part)].role = "a writer that comes between";
      parts_.SetWait(part, lock, *edge.writer);
      parts_.AddStep(part, "queues to write", lock, *edge.writer, edge.writer->stack);
    }
  }
  for (const Edge& edge : ring_) {
    AddWait(edge);
  }
}

// "T1 holds A and then takes B".
std::string RingTeller::Sentence(const Edge& edge) {
  const bool again = (edge.dependency->flags & trace::kReacquire) != 0;
  const std::string waits =
      edge.awaited == nullptr
          ? absl::StrCat(again ? "takes back, at the end of a condition wait, " : "takes ",
                         parts_.Lock(edge.wanted))
          : absl::StrCat(edge.awaited->of_process ? "waits for the end of " : "joins ",
                         EndName(*edge.awaited));
  const std::string thread = parts_.Thread(edge.dependency->thread);
  return edge.held != nullptr ? absl::StrCat(thread, " holds ", parts_.Lock(edge.from), " and then ", waits)
                              : absl::StrCat(thread, " ", waits, " before it ends");
}

void RingTeller::TellSentences() {
  std::string& explanation = parts_.finding().explanation;
  for (const Edge& edge : ring_) {
    absl::StrAppend(&explanation, Sentence(edge), &edge != &ring_.back() ? "; " : ". ");
  }
  for (const Edge& edge : ring_) {
    if (edge.writer != nullptr) {
      const std::string lock = parts_.Lock(edge.writer->lock);
      absl::StrAppend(&explanation, parts_.Thread(edge.writer->thread), " writes ", lock,
                      ": while it queues for the readers to leave, ", lock, " lets no new reader in. ");
    }
  }
}

void RingTeller::TellLocks() {
  Finding& finding = parts_.finding();
  const size_t count = ring_.size();
  const std::string start = absl::StrCat("Possible deadlock", OverProcesses() ? " of processes" : "",
                                         soft_                ? ", though a signal came between so far: "
                                         : IsBrokenByKernel() ? ", which the kernel breaks with an error: "
                                                              : ": ");
  finding.title = count == 2 ? absl::StrCat(start, "{lock:0} and {lock:1} are taken in opposite orders")
                             : absl::StrCat(start, count, " locks are taken in orders that form a ring");
  TellSentences();
  absl::StrAppend(
      &finding.explanation, "If ", count == 2 ? "both" : "all",
      " reach their first lock before any has the second, each waits for the next and none ever goes on. ",
      Chance());
  if (count == 2) {
    finding.fix = absl::StrCat("Take {lock:0} and {lock:1} in the same order in both places, ",
                               OverProcesses() ? "" : "{c++:or both at once with std::scoped_lock, }",
                               "or release the first before taking the second.");
  } else {
    finding.fix =
        "Choose one order for these locks and keep to it everywhere, or release one lock of the ring "
        "before taking the next.";
  }
}

const char* RingTeller::Chance() const {
  return soft_ ? "Each time in this run something was handed over in between, by a condition, a semaphore, a "
                 "futex, "
                 "a pipe, a socket or a signal. If the program always waits for that, nothing can happen; if "
                 "it "
                 "does not, it hangs with other timing."
         : IsBrokenByKernel()
             ? "The kernel notices a ring of POSIX file locks: one of the calls fails with EDEADLK "
               "(fcntl(2)). "
               "A program that does not expect that goes on without the lock, or gives up."
         : AnyOfScript()
             ? "In this run they came at different moments, and nothing that Gordian sees keeps them apart. "
               "What a queue, an event or a condition of Python hands over is not seen where nobody waits "
               "for "
               "it: if none of them does, the program hangs with other timing or more load; `gordian "
               "confirm` tries it."
             : "In this run they came at different moments, and nothing that Gordian sees keeps them apart. "
               "If "
               "nothing else does (a flag, an atomic variable, data under a lock), the program hangs with "
               "other "
               "timing or more load; `gordian confirm` tries it.";
}

void RingTeller::TellEnds() {
  Finding& finding = parts_.finding();
  TellSentences();
  const Edge& first = ring_.front();
  if (!AwaitsUnderLock(first)) {
    finding.title = absl::StrCat("Possible deadlock: ", ring_.size(), " threads join each other in a ring");
    finding.fix = "Let one thread join the others.";
    return;
  }
  const std::string waiter = parts_.Thread(first.dependency->thread);
  const std::string awaited = EndName(*first.awaited);
  const std::string lock = parts_.Lock(first.from);
  finding.title = absl::StrCat(
      "Possible deadlock: ", waiter, first.awaited->of_process ? " waits for the end of " : " joins ",
      awaited, " while it holds ", lock,
      ring_.size() == 2 ? absl::StrCat(", which ", awaited, " takes") : ", and the ring of waits closes");
  absl::StrAppend(&finding.explanation, "If ", waiter, " has ", lock,
                  " before the others have come that far, it waits for what cannot end. ", Chance());
  finding.fix = absl::StrCat("Release ", lock, " before waiting for ", awaited,
                             ", or wait for it before taking ", lock, ".");
}

// "T1 was seen there 12 times, 20 ms to 12.3 s after the start".
std::string RingTeller::HowOften(const Edge& edge) {
  const trace::Dependency& dependency = *edge.dependency;
  uint64_t start_ns = UINT64_MAX;
  for (const trace::Process& process : run_.processes) {
    start_ns = std::min(start_ns, process.start_ns);
  }
  const auto after_start = [start_ns](uint64_t ns) {
    return Milliseconds(ns > start_ns ? (ns - start_ns) / 1'000'000 : 0);
  };
  const std::string first = after_start(dependency.first_ns);
  const std::string last = after_start(dependency.last_ns);
  return absl::StrCat(parts_.Thread(dependency.thread), " was seen there ",
                      dependency.count == 1 ? "once" : absl::StrCat(dependency.count, " times"), ", ", first,
                      first != last ? absl::StrCat(" to ", last) : "", " after the start");
}

void RingTeller::TellConditions() {
  const size_t count = ring_.size();
  bool any_shared = false;
  bool any_writer = false;
  std::vector<std::string> seen;
  for (const Edge& edge : ring_) {
    const trace::Dependency& dependency = *edge.dependency;
    any_shared = any_shared || dependency.mode == trace::Mode::kShared ||
                 (edge.held != nullptr && edge.held->mode == trace::Mode::kShared);
    any_writer = any_writer || edge.writer != nullptr;
    seen.push_back(HowOften(edge));
  }
  FindingBuilder& builder = parts_.builder();
  builder.AddCondition(kDistinctThreads,
                       absl::StrCat(count, " different threads make the ", count, " steps"));
  builder.AddCondition(kNoCommonGate,
                       "no lock is held by two of them that would let only one through at a time");
  builder.AddCondition(kModesConflict,
                       any_writer   ? "where a reader waits for a reader, a writer queues between them"
                       : any_shared ? "each wait is for writing, or for reading what is held for writing"
                                    : "every lock is taken exclusively");
  builder.AddCondition(kMayOverlap, absl::StrCat("no creation and no join of a ",
                                                 OverProcesses() ? "thread or process" : "thread",
                                                 ", and no barrier, puts one before the other (what a flag, "
                                                 "an atomic variable or a queue alone orders is "
                                                 "not seen; `gordian confirm` tries it); ",
                                                 absl::StrJoin(seen, ", ")));
  if (soft_) {
    builder.AddCondition(
        kNoSoftOrder,
        "in all that was seen something was handed over in between (a condition, a semaphore, a "
        "futex, a pipe, a socket, a signal)");
    parts_.finding().conditions.back().holds = false;
  } else if (ends_) {
    builder.AddCondition(
        kNoSoftOrder,
        absl::StrCat(
            "the joiner passed no condition, semaphore, barrier, pipe, socket or signal since the ",
            ring_.front().awaited != nullptr && ring_.front().awaited->of_process ? "process" : "thread",
            " was created that could have told how far it is"));
  }
  builder.AddCondition(
      kCanBlock, IsBrokenByKernel() ? "all are POSIX file locks, of which the kernel lets no ring come about"
                                    : "none of the waits is a try or has a timeout");
  parts_.finding().conditions.back().holds = !IsBrokenByKernel();
}

}  // namespace

void JudgeLockOrder(const trace::Run& run, const Options& options, std::vector<Finding>* findings) {
  Content content(run);
  FindingGroups groups(findings);
  std::vector<RunLocks> rings;
  const auto tell_cut_short = [&options](const std::string& where) {
    if (options.left_out != nullptr) {
      options.left_out->push_back(absl::StrCat("the search for lock orders that can deadlock was cut short ",
                                               where, ": too many locks are taken in too many orders"));
    }
  };
  for (size_t p = 0; p < run.processes.size(); ++p) {
    const trace::Process& process = run.processes[p];
    if (IsOver(run, process)) {
      const OrderView view(process, static_cast<Index>(p));
      if (!LockOrderJudge(run, view, &content, &groups).Judge(findings, &rings)) {
        tell_cut_short(absl::StrCat("in pid ", process.pid));
      }
    }
  }
  if (!run.over) {
    return;
  }
  const Lineage lineage(run);
  for (const std::vector<Index>& sharing : ProcessesThatShare(run, lineage)) {
    const OrderView view(run, sharing, lineage);
    if (!LockOrderJudge(run, view, &content, &groups).JudgeOver(rings, findings)) {
      tell_cut_short(absl::StrCat("over the processes that share locks with pid ",
                                  run.processes[static_cast<size_t>(sharing.front())].pid));
    }
  }
}

}  // namespace gordian::analyze
