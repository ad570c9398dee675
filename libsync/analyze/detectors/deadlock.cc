// deadlock, self-deadlock and abandoned-lock: what the wait-for graph says can never go on, and lost-signal,
// barrier-misuse, where that is why. Certain as soon as it stands still, so judged while the program runs.
#include <algorithm>
#include <bit>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "libsync/analyze/content.h"
#include "libsync/analyze/detectors/detectors.h"
#include "libsync/analyze/finding_builder.h"
#include "libsync/analyze/lookup.h"
#include "libsync/analyze/wait_for_graph.h"

namespace gordian::analyze {
namespace {

constexpr size_t kMaxBehind = 20;

const char* WhenItEnded(const trace::Process& process) {
  return process.from_core ? "This is how it stood when its core was written."
                           : "This is how it stood when the process ended.";
}

class DeadlockJudge {
 public:
  DeadlockJudge(const trace::Run& run, Index process)
      : run_(run), process_(run.processes[static_cast<size_t>(process)]), index_(process), content_(run) {}

  void Judge(std::vector<Finding>* findings) {
    for (const Stall& stall : FindStalls(process_)) {
      if (OnlyInterpreterLocks(stall)) {
        continue;
      }
      if (stall.kind == Stall::Kind::kAbandoned) {
        findings->push_back(Abandoned(stall));
      } else if (stall.threads.size() == 1) {
        findings->push_back(OnItself(stall));
      } else {
        findings->push_back(Cycle(stall));
      }
    }
  }

 private:
  const trace::Thread& ThreadAt(Index thread) const { return process_.threads[static_cast<size_t>(thread)]; }

  bool OnlyInterpreterLocks(const Stall& stall) const;
  std::vector<Index> Normalized(const std::vector<Index>& ring);
  const trace::Holding* HoldingOf(Index thread, Index lock) const;
  int AddWaiter(FindingBuilder* builder, Index thread) const;
  void AddBehind(FindingBuilder* builder, const Stall& stall) const;
  std::string Sentence(FindingBuilder* builder, Index thread, Index other) const;
  const char* HowCertain(const Stall& stall) const {
    if (process_.ended) {
      return WhenItEnded(process_);
    }
    const auto spins = [this](Index thread) {
      const trace::Lock* lock = At(process_.locks, AwaitedLock(ThreadAt(thread).wait));
      return lock != nullptr && lock->kind == trace::LockKind::kSpinlock;
    };
    if (std::any_of(stall.threads.begin(), stall.threads.end(), spins)) {
      return stall.threads.size() == 1 ? "It was seen there twice, with nothing gained in between."
                                       : "They were seen there twice, with nothing gained in between.";
    }
    return stall.threads.size() == 1 ? "It was seen asleep there twice, with nothing moved in between."
                                     : "They were seen asleep there twice, with nothing moved in between.";
  }
  Finding Cycle(const Stall& stall);
  Finding OnItself(const Stall& stall);
  Finding Abandoned(const Stall& stall);
  void TellAbandoned(FindingBuilder* builder, const Stall& stall, int lock, int owner) const;

  const trace::Run& run_;
  const trace::Process& process_;
  const Index index_;
  Content content_;
};

// A runtime that hangs on its own locks alone is not the program's mistake.
bool DeadlockJudge::OnlyInterpreterLocks(const Stall& stall) const {
  const auto own = [this](Index thread) {
    const trace::Lock* lock = At(process_.locks, AwaitedLock(ThreadAt(thread).wait));
    return lock != nullptr && lock->interpreter;
  };
  return std::all_of(stall.threads.begin(), stall.threads.end(), own);
}

const trace::Holding* DeadlockJudge::HoldingOf(Index thread, Index lock) const {
  const std::vector<trace::Holding>& held = ThreadAt(thread).held;
  const auto found =
      std::find_if(held.begin(), held.end(), [lock](const trace::Holding& h) { return h.lock == lock; });
  return found != held.end() ? &*found : nullptr;
}

// The same ring begins at the same place in every run.
std::vector<Index> DeadlockJudge::Normalized(const std::vector<Index>& ring) {
  std::vector<std::string> keys;
  for (size_t i = 0; i < ring.size(); ++i) {
    const trace::Wait& wait = ThreadAt(ring[i]).wait;
    const Index held_lock = LockBetween(process_, ring[(i + ring.size() - 1) % ring.size()], ring[i]);
    const trace::Holding* held = HoldingOf(ring[i], held_lock);
    keys.push_back(absl::StrCat(content_.LockClass(index_, held_lock), "|",
                                content_.Stack(index_, held != nullptr ? held->stack : kNoIndex), "|",
                                content_.Stack(index_, wait.stack)));
  }
  std::vector<Index> result = ring;
  std::rotate(result.begin(), result.begin() + static_cast<std::ptrdiff_t>(SmallestRotation(keys)),
              result.end());
  return result;
}

int DeadlockJudge::AddWaiter(FindingBuilder* builder, Index thread) const {
  const trace::Wait& wait = ThreadAt(thread).wait;
  const int part = builder->AddThread(thread);
  const int lock = builder->AddLock(AwaitedLock(wait));
  const int joined = wait.kind == trace::WaitKind::kJoin ? builder->AddThread(wait.thread) : -1;
  WaitPart& waits = builder->finding().threads[static_cast<size_t>(part)].waits;
  waits.kind = lock >= 0 ? trace::WaitKind::kLock : wait.kind;
  waits.lock = lock;
  waits.thread = joined;
  waits.stack = builder->Stack(wait.stack);
  return part;
}

// Names the first ones; they are all stuck for the same reason.
void DeadlockJudge::AddBehind(FindingBuilder* builder, const Stall& stall) const {
  for (size_t b = 0; b < stall.behind.size() && b < kMaxBehind; ++b) {
    const Index thread = stall.behind[b];
    const int part = AddWaiter(builder, thread);
    ThreadPart& added = builder->finding().threads[static_cast<size_t>(part)];
    added.role = "stuck behind it";
    std::string what = added.waits.lock >= 0     ? "waits for " + LockName(added.waits.lock)
                       : added.waits.thread >= 0 ? "joins " + ThreadName(added.waits.thread)
                                                 : std::string("waits");
    builder->finding().behind.push_back(absl::StrCat(ThreadName(part), " ", what));
  }
  if (stall.behind.size() > kMaxBehind) {
    builder->finding().behind.push_back(
        absl::StrCat("and ", Counted(stall.behind.size() - kMaxBehind, "more thread")));
  }
}

std::string DeadlockJudge::Sentence(FindingBuilder* builder, Index thread, Index other) const {
  const int part = builder->AddThread(thread);
  const int next = builder->AddThread(other);
  const WaitPart& waits = builder->finding().threads[static_cast<size_t>(part)].waits;
  if (waits.lock < 0) {
    return absl::StrCat(ThreadName(part), " joins ", ThreadName(next), ", which cannot end. ");
  }
  const bool holds = LockBetween(process_, thread, other) != kNoIndex;
  return absl::StrCat(ThreadName(part), " waits for ", LockName(waits.lock),
                      holds ? ", which " : ", for which a writer queues first: ", ThreadName(next),
                      holds ? " holds. " : ". ");
}

Finding DeadlockJudge::Cycle(const Stall& stall) {
  const std::vector<Index> ring = Normalized(stall.threads);
  FindingBuilder builder("deadlock", run_, index_);
  Finding& finding = builder.finding();
  for (const Index thread : ring) {
    builder.AddThread(thread);
  }
  bool joins = false;
  for (size_t i = 0; i < ring.size(); ++i) {
    const Index wanted = LockBetween(process_, ring[(i + ring.size() - 1) % ring.size()], ring[i]);
    const trace::Holding* held = HoldingOf(ring[i], wanted);
    if (held != nullptr) {
      builder.AddHeld(static_cast<int>(i), *held);
      builder.AddStep(static_cast<int>(i), "lock", builder.AddLock(wanted), held->stack);
      builder.AddIdentity(held->stack);
    }
    builder.AddIdentity(ThreadAt(ring[i]).wait.stack);
  }
  for (size_t i = 0; i < ring.size(); ++i) {
    const int part = AddWaiter(&builder, ring[i]);
    const int lock = finding.threads[static_cast<size_t>(part)].waits.lock;
    joins = joins || lock < 0;
    builder.AddStep(part, lock >= 0 ? "blocks on" : "join", lock, ThreadAt(ring[i]).wait.stack);
  }
  finding.title = ring.size() == 2
                      ? "Deadlock: {thread:0} and {thread:1} wait for each other"
                      : absl::StrCat("Deadlock: ", ring.size(), " threads wait for each other in a ring");
  for (size_t i = 0; i < ring.size(); ++i) {
    finding.explanation += Sentence(&builder, ring[i], ring[(i + 1) % ring.size()]);
  }
  finding.explanation += absl::StrCat(
      "None of these waits has a timeout, so none of the threads ever goes on. ", HowCertain(stall));
  finding.fix =
      joins ? "Do not join a thread while holding a lock that it needs to finish: release the lock before "
              "the join."
            : "Take these locks in the same order in every thread, or take them together with "
              "std::scoped_lock, which cannot deadlock.";
  builder.AddCondition("stands-still", HowCertain(stall));
  builder.AddCondition("untimed", "none of the waits ends by itself");
  AddBehind(&builder, stall);
  return std::move(finding);
}

Finding DeadlockJudge::OnItself(const Stall& stall) {
  const Index thread = stall.threads.front();
  const trace::Wait& wait = ThreadAt(thread).wait;
  FindingBuilder builder("self-deadlock", run_, index_);
  Finding& finding = builder.finding();
  const int part = AddWaiter(&builder, thread);
  const trace::Holding* held = HoldingOf(thread, AwaitedLock(wait));
  if (held == nullptr) {
    finding.title = "Self-deadlock: {thread:0} joins itself";
    finding.explanation = "{thread:0} waits for its own end, which cannot come while it waits. ";
    finding.fix = "Join a thread from another thread, or detach it.";
    builder.AddStep(part, "join", -1, wait.stack);
  } else {
    const int lock = builder.AddLock(held->lock);
    const bool upgrade = held->mode == trace::Mode::kShared && wait.mode == trace::Mode::kExclusive;
    builder.AddHeld(part, *held);
    builder.AddStep(part, "lock", lock, held->stack);
    builder.AddStep(part, "blocks on", lock, wait.stack);
    builder.AddIdentity(held->stack);
    finding.title = "Self-deadlock: {thread:0} waits for {lock:0}, which it holds itself";
    finding.explanation = upgrade ? "{thread:0} holds {lock:0} for reading and asks for it for writing. The "
                                    "writer waits until every "
                                    "reader is gone, and this reader waits for the writer. "
                                  : "{thread:0} locks {lock:0} a second time without having released it. The "
                                    "lock is not recursive, so "
                                    "the thread waits for itself. ";
    finding.fix =
        upgrade ? "Release the read lock before taking the write lock, and test again what was read."
                : "Release {lock:0} before this call, or split the called function into one that locks and "
                  "one that expects the lock to be held. A recursive mutex also ends the hang.";
  }
  builder.AddIdentity(wait.stack);
  finding.explanation += HowCertain(stall);
  builder.AddCondition("stands-still", HowCertain(stall));
  AddBehind(&builder, stall);
  return std::move(finding);
}

void DeadlockJudge::TellAbandoned(FindingBuilder* builder, const Stall& stall, int lock, int owner) const {
  Finding& finding = builder->finding();
  const std::string waits = stall.threads.size() == 1
                                ? absl::StrCat(ThreadName(0), " waits")
                                : absl::StrCat(Counted(stall.threads.size(), "thread"), " wait");
  finding.title = absl::StrCat("Abandoned lock: ", waits, " for ", LockName(lock), ", whose owner is gone");
  if (owner >= 0) {
    finding.explanation = absl::StrCat(ThreadName(owner), " took ", LockName(lock),
                                       " and ended without releasing it. Nobody else can release it. ");
    finding.fix = absl::StrCat("Release ", LockName(lock), " on every way out of ", ThreadName(owner),
                               " (return, pthread_exit, cancellation, exception): a guard object such as "
                               "std::lock_guard does that.");
  } else {
    finding.explanation = absl::StrCat(LockName(lock), " was held by thread ",
                                       process_.locks[static_cast<size_t>(stall.lock)].owner_at_fork,
                                       " of the parent when this process was forked. The child got a copy of "
                                       "the locked lock, but not the thread "
                                       "that would release it. ");
    finding.fix =
        "Call only async-signal-safe functions between fork() and exec() in a program with threads. Or start "
        "the child "
        "before the threads, or take the lock in a pthread_atfork() handler and release it on both sides.";
  }
}

Finding DeadlockJudge::Abandoned(const Stall& stall) {
  FindingBuilder builder("abandoned-lock", run_, index_);
  Finding& finding = builder.finding();
  for (size_t t = 0; t < stall.threads.size() && t < kMaxBehind; ++t) {
    const int part = AddWaiter(&builder, stall.threads[t]);
    finding.threads[static_cast<size_t>(part)].role = "waits for it";
  }
  const int lock = builder.AddLock(stall.lock);
  const int owner = builder.AddThread(stall.owner);
  if (owner >= 0) {
    finding.threads[static_cast<size_t>(owner)].role = "ended while holding it";
    const trace::Holding* held = HoldingOf(stall.owner, stall.lock);
    builder.AddHeld(owner, *held);
    builder.AddStep(owner, "lock", lock, held->stack);
    builder.AddStep(owner, "ends", -1, kNoIndex);
    builder.AddIdentity(held->stack);
  }
  const Index first = stall.threads.front();
  builder.AddStep(0, "blocks on", lock, ThreadAt(first).wait.stack);
  builder.AddIdentity(ThreadAt(first).wait.stack);
  TellAbandoned(&builder, stall, lock, owner);
  finding.explanation += HowCertain(stall);
  builder.AddCondition("stands-still", HowCertain(stall));
  builder.AddCondition("owner-gone", owner >= 0 ? absl::StrCat(ThreadName(owner), " has ended")
                                                : "no thread of this process holds the lock");
  AddBehind(&builder, stall);
  return std::move(finding);
}

// Threads of one or several processes that only each other could wake.
class StandstillJudge {
 public:
  StandstillJudge(const trace::Run& run, const Standstill& standstill)
      : run_(run), standstill_(standstill), builder_("deadlock", run, standstill.threads.front().process) {}

  Finding Judge();

 private:
  int AddWaiter(const ThreadRef& ref);
  std::string Sentence(int part);
  std::string Title() const;
  const trace::Process& ProcessOf(const ThreadRef& ref) const {
    return run_.processes[static_cast<size_t>(ref.process)];
  }
  // What could still come from outside: "SIGTERM comes"; empty where nothing can.
  std::string Unless() const;

  const trace::Run& run_;
  const Standstill& standstill_;
  FindingBuilder builder_;
};

// More signals than these are not named one by one.
constexpr int kNamedSignals = 3;

std::string StandstillJudge::Unless() const {
  uint64_t caught = 0;
  bool named = false;
  for (const ThreadRef& ref : standstill_.threads) {
    const trace::Process& process = ProcessOf(ref);
    caught |= process.caught_signals;
    named = named || process.threads[static_cast<size_t>(ref.thread)].wait.named;
  }
  std::vector<std::string> ways;
  if (caught != 0) {
    const bool many = std::popcount(caught) > kNamedSignals;
    ways.push_back(absl::StrCat(many ? "a signal" : SignalNames(caught), " comes"));
  }
  if (named) {
    ways.emplace_back("another process opens their shared memory");
  }
  return standstill_.certain ? "" : absl::StrJoin(ways, " or ");
}

int StandstillJudge::AddWaiter(const ThreadRef& ref) {
  const trace::Thread& thread = ProcessOf(ref).threads[static_cast<size_t>(ref.thread)];
  builder_.In(ref.process);
  const int part = builder_.AddThread(ref.thread);
  WaitPart waits;
  waits.kind = thread.wait.kind;
  waits.lock = builder_.AddLock(thread.wait.lock);
  waits.thread = waits.kind == trace::WaitKind::kJoin ? builder_.AddThread(thread.wait.thread) : -1;
  waits.note = waits.lock < 0 && waits.thread < 0 ? thread.wait.note : "";
  waits.stack = builder_.Stack(thread.wait.stack);
  for (const trace::Holding& held : thread.held) {
    builder_.AddHeld(part, held);
  }
  builder_.AddIdentity(thread.wait.stack);
  builder_.finding().threads[static_cast<size_t>(part)].waits = std::move(waits);
  return part;
}

std::string StandstillJudge::Sentence(int part) {
  const WaitPart& waits = builder_.finding().threads[static_cast<size_t>(part)].waits;
  std::string what = absl::StrCat("is in ", waits.note.empty() ? "a system call" : waits.note);
  if (waits.kind == trace::WaitKind::kProcess) {
    what = "waits for a child process to end";
  } else if (waits.lock >= 0) {
    what = absl::StrCat("waits for ", LockName(waits.lock));
  } else if (waits.thread >= 0) {
    what = absl::StrCat("joins ", ThreadName(waits.thread));
  }
  return absl::StrCat(ThreadName(part), " ", what);
}

std::string StandstillJudge::Title() const {
  std::vector<Index> processes;
  for (const ThreadRef& ref : standstill_.threads) {
    processes.push_back(ref.process);
  }
  std::sort(processes.begin(), processes.end());
  processes.erase(std::unique(processes.begin(), processes.end()), processes.end());
  const std::string who =
      processes.size() > 1             ? absl::StrCat(processes.size(), " processes wait for each other")
      : standstill_.threads.size() > 1 ? absl::StrCat(Counted(standstill_.threads.size(), "thread"),
                                                      " wait, and nobody else is left to wake them")
                                       : std::string("{thread:0} waits, and nobody is left to wake it");
  return absl::StrCat(
      standstill_.certain ? "Standstill: " : absl::StrCat("Standstill unless ", Unless(), ": "), who);
}

Finding StandstillJudge::Judge() {
  Finding& finding = builder_.finding();
  const trace::Process& first = run_.processes[static_cast<size_t>(standstill_.threads.front().process)];
  for (size_t t = 0; t < standstill_.threads.size() && t < kMaxBehind; ++t) {
    const int part = AddWaiter(standstill_.threads[t]);
    absl::StrAppend(&finding.explanation, Sentence(part), ". ");
  }
  if (standstill_.threads.size() > kMaxBehind) {
    absl::StrAppend(&finding.explanation, "So do ",
                    Counted(standstill_.threads.size() - kMaxBehind, "more thread"), ". ");
  }
  finding.title = Title();
  absl::StrAppend(&finding.explanation,
                  "Whoever could end one of these waits is in one of them, and none has a timeout. ",
                  standstill_.certain ? "" : absl::StrCat("They stand still unless ", Unless(), ". "),
                  first.ended ? WhenItEnded(first)
                              : "They were seen asleep there several times, with nothing moved in between.");
  finding.fix =
      "Find the wake-up that is missing: a post or signal that came before its wait, an end marker that was "
      "never "
      "sent, a pipe that is waited out before it is read, a task that waits for another one of its own full "
      "pool.";
  builder_.AddCondition("stands-still", first.ended ? WhenItEnded(first) : "nothing moved between the looks");
  builder_.AddCondition(
      "closed", standstill_.certain ? "nobody outside can end one of the waits, and no handler of a signal"
                                    : absl::StrCat("nobody else can end one of the waits unless ", Unless()));
  builder_.AddCondition("untimed", "none of the waits ends by itself");
  for (size_t b = 0; b < standstill_.behind.size() && b < kMaxBehind; ++b) {
    const int part = AddWaiter(standstill_.behind[b]);
    finding.threads[static_cast<size_t>(part)].role = "stuck behind it";
    finding.behind.push_back(Sentence(part));
  }
  if (standstill_.behind.size() > kMaxBehind) {
    finding.behind.push_back(
        absl::StrCat("and ", Counted(standstill_.behind.size() - kMaxBehind, "more thread")));
  }
  if (!standstill_.certain) {
    finding.level = Level::kWarning;
  }
  return std::move(finding);
}

// The thread of `ref` and what it waits for, alone in a finding: why a standstill does not end.
int AddAlone(FindingBuilder* builder, const ThreadRef& ref, const trace::Wait& wait) {
  const int part = builder->AddThread(ref.thread);
  WaitPart waits;
  waits.kind = wait.kind;
  waits.lock = builder->AddLock(wait.lock);
  waits.stack = builder->Stack(wait.stack);
  builder->finding().threads[static_cast<size_t>(part)].waits = std::move(waits);
  builder->AddCondition("stands-still", "the wait is part of a standstill");
  return part;
}

// A condition remembers no signal: who begins to wait after the last one waits for good.
Finding LostSignal(const trace::Run& run, const ThreadRef& waiter) {
  const trace::Process& process = run.processes[static_cast<size_t>(waiter.process)];
  const trace::Wait& wait = process.threads[static_cast<size_t>(waiter.thread)].wait;
  FindingBuilder builder("lost-signal", run, waiter.process);
  Finding& finding = builder.finding();
  const int waits = AddAlone(&builder, waiter, wait);
  const int condition = builder.AddLock(wait.lock);
  const auto sent =
      std::find_if(process.events.rbegin(), process.events.rend(), [&wait](const trace::Event& event) {
        return event.kind == trace::EventKind::kLostSignal && event.lock == wait.lock;
      });
  std::string who = "Somebody";
  if (sent != process.events.rend() && sent->thread != kNoIndex) {
    const int signals = builder.AddThread(sent->thread);
    ThreadPart& signalling = finding.threads[static_cast<size_t>(signals)];
    if (signals != waits) {
      signalling.role = "signalled it before";
      signalling.at = builder.Stack(sent->stack);
    }
    who = ThreadName(signals);
    builder.AddStep(signals, "signal", condition, sent->stack);
    builder.AddIdentity(sent->stack);
  }
  builder.AddStep(waits, "waits on", condition, wait.stack);
  builder.AddIdentity(wait.stack);
  finding.title = absl::StrCat("The last signal of ", LockName(condition), " found nobody waiting");
  finding.explanation =
      absl::StrCat(who, " signalled ", LockName(condition),
                   " while no thread waited for it. A condition keeps no signal: ", ThreadName(waits),
                   " came later and waits for good.");
  finding.fix =
      absl::StrCat("Keep what is waited for in a variable under the mutex: set it before the signal of ",
                   LockName(condition), ", and wait only while it is not set.");
  builder.AddCondition("none-since", "no signal was sent since the wait began");
  return std::move(finding);
}

// Each condition once, whoever waits for it.
void JudgeLostSignals(const trace::Run& run, const Standstill& standstill, std::vector<Finding>* findings) {
  std::vector<std::pair<Index, Index>> told;
  for (const ThreadRef& ref : standstill.threads) {
    const trace::Process& process = run.processes[static_cast<size_t>(ref.process)];
    const trace::Wait& wait = process.threads[static_cast<size_t>(ref.thread)].wait;
    const trace::Lock* condition = At(process.locks, wait.lock);
    const std::pair key(ref.process, wait.lock);
    if (wait.kind == trace::WaitKind::kCondition && !wait.reacquiring && condition != nullptr &&
        (condition->flags & trace::kSignalLost) != 0 &&
        std::find(told.begin(), told.end(), key) == told.end()) {
      told.push_back(key);
      findings->push_back(LostSignal(run, ref));
    }
  }
}

// Threads of `process` that came to the barrier, now or before.
std::set<Index> UsersOf(const trace::Process& process, Index barrier) {
  std::set<Index> users;
  for (const trace::Event& event : process.events) {
    if (event.kind == trace::EventKind::kBarrierPassed && event.lock == barrier && event.thread != kNoIndex) {
      users.insert(event.thread);
    }
  }
  for (size_t t = 0; t < process.threads.size(); ++t) {
    const trace::Wait& wait = process.threads[t].wait;
    if (wait.kind == trace::WaitKind::kBarrier && wait.lock == barrier) {
      users.insert(static_cast<Index>(t));
    }
  }
  return users;
}

// Any two of several threads may meet at a barrier for two. It is too many that come where one is left over.
Finding CrowdedBarrier(const trace::Run& run, const ThreadRef& waiter, const std::set<Index>& users) {
  const trace::Process& process = run.processes[static_cast<size_t>(waiter.process)];
  const trace::Wait& wait = process.threads[static_cast<size_t>(waiter.thread)].wait;
  const int32_t takes = process.locks[static_cast<size_t>(wait.lock)].takes;
  FindingBuilder builder("barrier-misuse", run, waiter.process);
  Finding& finding = builder.finding();
  const int waits = AddAlone(&builder, waiter, wait);
  const int barrier = builder.AddLock(wait.lock);
  finding.threads[static_cast<size_t>(waits)].role = "is left over";
  builder.AddStep(waits, "waits on", barrier, wait.stack);
  builder.AddIdentity(wait.stack);
  const std::string rounds = absl::StrCat("made for ", Counted(static_cast<size_t>(takes), "thread"));
  finding.title = absl::StrCat(LockName(barrier), " is ", rounds, ", and ", users.size(), " come to it");
  finding.explanation = absl::StrCat(LockName(barrier), " lets threads go on when ", takes, " are there. ",
                                     users.size(), " different threads came to it, and ", ThreadName(waits),
                                     " is left over: nobody comes any more.");
  finding.fix = absl::StrCat("Initialise ", LockName(barrier),
                             " with the number of threads that come to it, or let only as many come.");
  builder.AddCondition("too-many", absl::StrCat(users.size(), " threads came to a barrier that is ", rounds));
  return std::move(finding);
}

void JudgeCrowdedBarriers(const trace::Run& run, const Standstill& standstill,
                          std::vector<Finding>* findings) {
  std::set<std::pair<Index, Index>> told;
  for (const ThreadRef& ref : standstill.threads) {
    const trace::Process& process = run.processes[static_cast<size_t>(ref.process)];
    const trace::Wait& wait = process.threads[static_cast<size_t>(ref.thread)].wait;
    const trace::Lock* barrier = At(process.locks, wait.lock);
    if (wait.kind != trace::WaitKind::kBarrier || barrier == nullptr || barrier->takes <= 0 ||
        !told.emplace(ref.process, wait.lock).second) {
      continue;
    }
    const std::set<Index> users = UsersOf(process, wait.lock);
    if (users.size() > static_cast<size_t>(barrier->takes)) {
      findings->push_back(CrowdedBarrier(run, ref, users));
    }
  }
}

}  // namespace

void JudgeDeadlock(const trace::Run& run, const Options& /*options*/, std::vector<Finding>* findings) {
  for (size_t p = 0; p < run.processes.size(); ++p) {
    DeadlockJudge(run, static_cast<Index>(p)).Judge(findings);
  }
  for (const Standstill& standstill : FindStandstills(run)) {
    findings->push_back(StandstillJudge(run, standstill).Judge());
    JudgeLostSignals(run, standstill, findings);
    JudgeCrowdedBarriers(run, standstill, findings);
  }
}

}  // namespace gordian::analyze
