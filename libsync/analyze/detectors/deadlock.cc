// deadlock, self-deadlock and abandoned-lock: what the wait-for graph says can never go on, and lost-signal,
// barrier-misuse, where that is why. Certain as soon as it stands still, so judged while the program runs.
#include <sys/wait.h>

#include <algorithm>
#include <bit>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "libsync/analyze/content.h"
#include "libsync/analyze/detectors/detectors.h"
#include "libsync/analyze/finding_builder.h"
#include "libsync/analyze/fork_cause.h"
#include "libsync/analyze/lookup.h"
#include "libsync/analyze/wait_for_graph.h"

namespace gordian::analyze {
namespace {

constexpr size_t kMaxBehind = 20;

const char* WhenItEnded(const trace::Process& process) {
  return process.from_core ? "This is how it stood when its core was written."
                           : "This is how it stood when the process ended.";
}

// "waits for {lock:0}", for people: what the thread `part` of the finding does.
std::string WhatItDoes(const Finding& finding, int part) {
  const WaitPart& waits = finding.threads[static_cast<size_t>(part)].waits;
  if (waits.kind == trace::WaitKind::kProcess) {
    return "waits for a child process to end";
  }
  if (waits.lock >= 0) {
    return absl::StrCat("waits for ", LockName(waits.lock));
  }
  if (waits.thread >= 0) {
    return absl::StrCat("joins ", ThreadName(waits.thread));
  }
  return absl::StrCat("is in {wait:", part, "}");
}

// One deadlock, self-deadlock or abandoned lock.
class DeadlockJudge {
 public:
  DeadlockJudge(const trace::Run& run, const Stall& stall, Content* content)
      : run_(run), stall_(stall), content_(*content) {}

  Finding Judge() {
    if (stall_.kind == Stall::Kind::kAbandoned) {
      return Abandoned();
    }
    return stall_.threads.size() == 1 ? OnItself() : Cycle();
  }

 private:
  const trace::Process& ProcessOf(const ThreadRef& ref) const {
    return run_.processes[static_cast<size_t>(ref.process)];
  }
  const trace::Thread& ThreadAt(const ThreadRef& ref) const {
    return ProcessOf(ref).threads[static_cast<size_t>(ref.thread)];
  }
  // Of a cycle: how the i-th thread waits for the next, and by what the one before waits for it.
  const ThreadRef& At(size_t i) const { return stall_.threads[i % stall_.threads.size()]; }
  const Stall::Edge& EdgeFrom(size_t i) const { return stall_.edges[i % stall_.edges.size()]; }
  const trace::Holding* HeldBy(size_t i) const {
    const Stall::Edge& before = EdgeFrom(i + stall_.edges.size() - 1);
    return analyze::At(ThreadAt(At(i)).held, before.holding);
  }

  size_t FirstOfRing();
  bool OverProcesses() const;
  int AddWaiter(FindingBuilder* builder, const ThreadRef& ref) const;
  void AddBehind(FindingBuilder* builder) const;
  void AddProcesses(FindingBuilder* builder) const;
  std::string Sentence(FindingBuilder* builder, size_t i) const;
  const char* HowCertain() const;
  bool ReadsAgain() const;
  bool IsAllOf(bool (*is_kind)(const trace::Lock&)) const;
  bool HasLibraryLock() const;
  const char* HowToMend(bool joins, bool reaps) const;
  Finding Cycle();
  Finding OnItself();
  Finding Abandoned();
  int AddGoneOwner(FindingBuilder* builder, int lock) const;
  void TellAbandoned(FindingBuilder* builder, int lock, int owner) const;

  const trace::Run& run_;
  const Stall& stall_;
  Content& content_;
};

const char* DeadlockJudge::HowCertain() const {
  if (ProcessOf(At(0)).ended) {
    return WhenItEnded(ProcessOf(At(0)));
  }
  const bool spins = std::any_of(stall_.threads.begin(), stall_.threads.end(), [this](const ThreadRef& ref) {
    const trace::Lock* lock = analyze::At(ProcessOf(ref).locks, AwaitedLock(ThreadAt(ref).wait));
    return lock != nullptr && lock->kind == trace::LockKind::kSpinlock;
  });
  if (spins) {
    return stall_.threads.size() == 1 ? "It was seen there twice, with nothing gained in between."
                                      : "They were seen there twice, with nothing gained in between.";
  }
  return stall_.threads.size() == 1 ? "It was seen asleep there twice, with nothing moved in between."
                                    : "They were seen asleep there twice, with nothing moved in between.";
}

// A runtime that hangs on its own locks alone is not the program's mistake.
bool OnlyInterpreterLocks(const trace::Run& run, const Stall& stall) {
  return std::all_of(stall.threads.begin(), stall.threads.end(), [&run](const ThreadRef& ref) {
    const trace::Process& process = run.processes[static_cast<size_t>(ref.process)];
    const trace::Wait& wait = process.threads[static_cast<size_t>(ref.thread)].wait;
    const trace::Lock* lock = At(process.locks, AwaitedLock(wait));
    return lock != nullptr && lock->interpreter;
  });
}

// The same ring begins at the same place in every run.
size_t DeadlockJudge::FirstOfRing() {
  std::vector<std::string> keys;
  for (size_t i = 0; i < stall_.threads.size(); ++i) {
    const Index process = At(i).process;
    const trace::Holding* held = HeldBy(i);
    keys.push_back(absl::StrCat(content_.LockClass(process, held != nullptr ? held->lock : kNoIndex), "|",
                                content_.Stack(process, held != nullptr ? held->stack : kNoIndex), "|",
                                content_.Stack(process, ThreadAt(At(i)).wait.stack)));
  }
  return SmallestRotation(keys);
}

bool DeadlockJudge::OverProcesses() const {
  return std::any_of(stall_.threads.begin(), stall_.threads.end(),
                     [this](const ThreadRef& ref) { return ref.process != At(0).process; });
}

int DeadlockJudge::AddWaiter(FindingBuilder* builder, const ThreadRef& ref) const {
  const trace::Wait& wait = ThreadAt(ref).wait;
  builder->In(ref.process);
  const int part = builder->AddThread(ref.thread);
  const int lock = builder->AddLock(AwaitedLock(wait));
  const int joined = wait.kind == trace::WaitKind::kJoin ? builder->AddThread(wait.thread) : -1;
  WaitPart& waits = builder->finding().threads[static_cast<size_t>(part)].waits;
  waits.kind = lock >= 0 ? trace::WaitKind::kLock : wait.kind;
  waits.lock = lock;
  waits.thread = joined;
  waits.note = lock < 0 && joined < 0 ? wait.note : "";
  waits.mode = wait.mode;
  waits.stack = builder->Stack(wait.stack);
  return part;
}

// Names the first ones; they are all stuck for the same reason.
void DeadlockJudge::AddBehind(FindingBuilder* builder) const {
  for (size_t b = 0; b < stall_.behind.size() && b < kMaxBehind; ++b) {
    const int part = AddWaiter(builder, stall_.behind[b]);
    ThreadPart& added = builder->finding().threads[static_cast<size_t>(part)];
    added.role = kStuckBehind;
    builder->finding().behind.push_back(
        absl::StrCat(ThreadName(part), " ", WhatItDoes(builder->finding(), part)));
  }
  if (stall_.behind.size() > kMaxBehind) {
    builder->finding().behind.push_back(
        absl::StrCat("and ", Counted(stall_.behind.size() - kMaxBehind, "more thread")));
  }
}

void DeadlockJudge::AddProcesses(FindingBuilder* builder) const {
  for (const ThreadRef& ref : stall_.threads) {
    if (OverProcesses()) {
      builder->In(ref.process).AddProcess();
    }
  }
}

std::string DeadlockJudge::Sentence(FindingBuilder* builder, size_t i) const {
  const int next = builder->In(At(i + 1).process).AddThread(At(i + 1).thread);
  const int part = builder->In(At(i).process).AddThread(At(i).thread);
  const WaitPart& waits = builder->finding().threads[static_cast<size_t>(part)].waits;
  if (waits.kind == trace::WaitKind::kProcess) {
    return absl::StrCat(ThreadName(part), " waits for the end of ", ProcessName(waits.process), ". ");
  }
  if (waits.lock < 0) {
    return absl::StrCat(ThreadName(part), " joins ", ThreadName(next), ", which cannot end. ");
  }
  const trace::Lock& lock = ProcessOf(At(i)).locks[static_cast<size_t>(EdgeFrom(i).lock)];
  const bool holds = EdgeFrom(i).holding != kNoIndex || BelongsToProcess(lock);
  return absl::StrCat(ThreadName(part), " waits for ", LockName(waits.lock),
                      holds ? ", which " : ", for which a writer queues first: ", ThreadName(next),
                      holds ? " holds. " : ". ");
}

// One lock is all that the ring is about: a reader asks again for what it has, behind a writer who waits for
// it.
bool DeadlockJudge::ReadsAgain() const {
  for (size_t i = 0; i < stall_.threads.size(); ++i) {
    const trace::Holding* held = HeldBy(i);
    const trace::Wait& wait = ThreadAt(At(i)).wait;
    if (held != nullptr && held->mode == trace::Mode::kShared && wait.mode == trace::Mode::kShared &&
        held->lock == AwaitedLock(wait)) {
      return true;
    }
  }
  return false;
}

bool DeadlockJudge::IsAllOf(bool (*is_kind)(const trace::Lock&)) const {
  return std::all_of(stall_.threads.begin(), stall_.threads.end(), [&](const ThreadRef& ref) {
    const trace::Lock* lock = analyze::At(ProcessOf(ref).locks, AwaitedLock(ThreadAt(ref).wait));
    return lock != nullptr && is_kind(*lock);
  });
}

bool DeadlockJudge::HasLibraryLock() const {
  return std::any_of(stall_.threads.begin(), stall_.threads.end(), [this](const ThreadRef& ref) {
    const trace::Process& process = ProcessOf(ref);
    const trace::Lock* lock = analyze::At(process.locks, AwaitedLock(ThreadAt(ref).wait));
    return lock != nullptr && (lock->kind == trace::LockKind::kStream || IsOfLibrary(process, *lock));
  });
}

const char* DeadlockJudge::HowToMend(bool joins, bool reaps) const {
  if (ReadsAgain()) {
    return "Do not take the read lock twice in one thread: a writer that waits in between keeps the second "
           "one "
           "out. Release it before the call that takes it again, or give that call a variant that expects "
           "the "
           "lock to be held. A read-write lock that prefers readers (the default of pthread_rwlock_t) only "
           "hides it.";
  }
  if (joins) {
    return "Do not join a thread while holding a lock that it needs to finish: release the lock before "
           "the join.";
  }
  if (reaps) {
    return "Do not wait for a process while holding a lock that it needs to finish: release the lock before "
           "the wait.";
  }
  if (IsAllOf(IsFileLock)) {
    return "Lock the files in the same order in every process, or one file for both. Or do not wait for the "
           "second (LOCK_NB, F_SETLK): give the first back, and begin again.";
  }
  if (IsAllOf([](const trace::Lock& lock) { return lock.kind == trace::LockKind::kOnce; })) {
    return "Let neither initialisation need the other: run one of them before both, or do both in one "
           "routine.";
  }
  if (HasLibraryLock()) {
    return "The C library takes its own locks within its calls, and holds them while it calls the program "
           "back: a stream's in printf() and its kin and from flockfile() on, the loader's in dlopen() and "
           "while constructors, destructors and callbacks of dl_iterate_phdr() run. Make no such call while "
           "holding another lock, or take no lock in what is called back.";
  }
  return OverProcesses()
             ? "Take these locks in the same order in every process, or release the first before "
               "taking the second."
             : "Take these locks in the same order in every thread{c++:, or take them together with "
               "std::scoped_lock, which cannot deadlock}{python:: where one says `with a, b:`, none may say "
               "`with b, a:`}.";
}

Finding DeadlockJudge::Cycle() {
  FindingBuilder builder("deadlock", run_, At(0).process);
  Finding& finding = builder.finding();
  const size_t count = stall_.threads.size();
  const size_t first = FirstOfRing();
  for (size_t i = first; i < first + count; ++i) {
    builder.In(At(i).process).AddThread(At(i).thread);
  }
  bool joins = false;
  bool reaps = false;
  for (size_t i = first; i < first + count; ++i) {
    builder.In(At(i).process);
    if (const trace::Holding* held = HeldBy(i); held != nullptr) {
      const auto part = static_cast<int>(i - first);
      builder.AddHeld(part, *held);
      builder.AddStep(part, TakeWord(held->mode), builder.AddLock(held->lock), held->stack);
      builder.AddIdentity(held->stack);
    }
    builder.AddIdentity(ThreadAt(At(i)).wait.stack);
  }
  for (size_t i = first; i < first + count; ++i) {
    const int part = AddWaiter(&builder, At(i));
    std::string action = "blocks on";
    if (ThreadAt(At(i)).wait.kind == trace::WaitKind::kProcess) {
      const int process = builder.In(At(i + 1).process).AddProcess();
      finding.threads[static_cast<size_t>(part)].waits.process = process;
      action = absl::StrCat("waits for ", ProcessName(process));
      reaps = true;
    } else if (EdgeFrom(i).lock == kNoIndex) {
      action = "join";
      joins = true;
    }
    builder.In(At(i).process)
        .AddStep(part, std::move(action), finding.threads[static_cast<size_t>(part)].waits.lock,
                 ThreadAt(At(i)).wait.stack);
  }
  AddProcesses(&builder);
  const std::string who = absl::StrCat(count, OverProcesses() ? " threads of several processes" : " threads");
  finding.title = count == 2 ? "Deadlock: {thread:0} and {thread:1} wait for each other"
                             : absl::StrCat("Deadlock: ", who, " wait for each other in a ring");
  for (size_t i = first; i < first + count; ++i) {
    finding.explanation += Sentence(&builder, i);
  }
  finding.explanation +=
      absl::StrCat("None of these waits has a timeout, so none of the threads ever goes on. ", HowCertain());
  finding.fix = HowToMend(joins, reaps);
  builder.AddCondition("stands-still", HowCertain());
  builder.AddCondition("untimed", "none of the waits ends by itself");
  AddBehind(&builder);
  return std::move(finding);
}

Finding DeadlockJudge::OnItself() {
  const ThreadRef& ref = At(0);
  const trace::Wait& wait = ThreadAt(ref).wait;
  FindingBuilder builder("self-deadlock", run_, ref.process);
  Finding& finding = builder.finding();
  const int part = AddWaiter(&builder, ref);
  const trace::Holding* held = HeldBy(0);
  if (held == nullptr) {
    finding.title = "Self-deadlock: {thread:0} joins itself";
    finding.explanation = "{thread:0} waits for its own end, which cannot come while it waits. ";
    finding.fix = "Join a thread from another thread, or detach it.";
    builder.AddStep(part, "join", -1, wait.stack);
  } else {
    const int lock = builder.AddLock(held->lock);
    const bool upgrade = held->mode == trace::Mode::kShared && wait.mode == trace::Mode::kExclusive;
    builder.AddHeld(part, *held);
    builder.AddStep(part, TakeWord(held->mode), lock, held->stack);
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
        upgrade
            ? "Release the read lock before taking the write lock, and test again what was read."
            : "Release {lock:0} before this call, or split the called function into one that locks and "
              "one that expects the lock to be held. {!python:A recursive mutex}{python:A threading.RLock()} "
              "also ends the hang.";
  }
  if (held != nullptr && ProcessOf(ref).locks[static_cast<size_t>(held->lock)].of_library) {
    finding.explanation =
        "A signal interrupted {thread:0} inside the C library, which has {lock:0} there, and the handler of "
        "the "
        "signal calls a function that needs it too. ";
    finding.fix =
        "Call only async-signal-safe functions in a signal handler (signal-safety(7)): set a flag of type "
        "volatile sig_atomic_t or write to a pipe, and do the work outside the handler.";
  }
  builder.AddIdentity(wait.stack);
  finding.explanation += HowCertain();
  builder.AddCondition("stands-still", HowCertain());
  AddBehind(&builder);
  return std::move(finding);
}

void DeadlockJudge::TellAbandoned(FindingBuilder* builder, int lock, int owner) const {
  Finding& finding = builder->finding();
  const std::string waits = stall_.threads.size() == 1
                                ? absl::StrCat(ThreadName(0), " waits")
                                : absl::StrCat(Counted(stall_.threads.size(), "thread"), " wait");
  finding.title = absl::StrCat("Abandoned lock: ", waits, " for ", LockName(lock), ", whose owner is gone");
  if (owner >= 0) {
    finding.explanation = absl::StrCat(ThreadName(owner), " took ", LockName(lock),
                                       " and ended without releasing it. Nobody else can release it. ");
    finding.fix = absl::StrCat(
        "Release ", LockName(lock), " on every way out of ", ThreadName(owner),
        "{!python: (return, pthread_exit, cancellation}{c++:, exception}{!python:)}{c++:: a guard object "
        "such as std::lock_guard does that}{python:: `with` does that}.");
    return;
  }
  const std::optional<ForkCause> fork = FindFork(run_, At(0).process);
  finding.explanation =
      fork.has_value() ? ExplainFork(run_, *fork, stall_.lock, 0, builder)
                       : absl::StrCat(LockName(lock), " was held by thread ",
                                      ProcessOf(At(0)).locks[static_cast<size_t>(stall_.lock)].owner_at_fork,
                                      " of the parent when this process was forked. The child got a copy of "
                                      "the locked lock, but not the thread that would release it. ");
  finding.fix = kForkFix;
}

int DeadlockJudge::AddGoneOwner(FindingBuilder* builder, int lock) const {
  const int owner = builder->In(stall_.owner.process).AddThread(stall_.owner.thread);
  if (owner < 0) {
    return owner;
  }
  builder->finding().threads[static_cast<size_t>(owner)].role = "ended while holding it";
  for (const trace::Holding& held : ThreadAt(stall_.owner).held) {
    if (builder->AddLock(held.lock) == lock) {
      builder->AddHeld(owner, held);
      builder->AddStep(owner, TakeWord(held.mode), lock, held.stack);
      builder->AddIdentity(held.stack);
    }
  }
  builder->AddStep(owner, "ends", -1, kNoIndex);
  return owner;
}

Finding DeadlockJudge::Abandoned() {
  FindingBuilder builder("abandoned-lock", run_, At(0).process);
  Finding& finding = builder.finding();
  for (size_t t = 0; t < stall_.threads.size() && t < kMaxBehind; ++t) {
    const int part = AddWaiter(&builder, stall_.threads[t]);
    finding.threads[static_cast<size_t>(part)].role = "waits for it";
  }
  const int lock = builder.In(At(0).process).AddLock(stall_.lock);
  const int owner = AddGoneOwner(&builder, lock);
  builder.In(At(0).process);
  builder.AddStep(0, "blocks on", lock, ThreadAt(At(0)).wait.stack);
  builder.AddIdentity(ThreadAt(At(0)).wait.stack);
  TellAbandoned(&builder, lock, owner);
  finding.explanation += HowCertain();
  builder.AddCondition("stands-still", HowCertain());
  builder.AddCondition("owner-gone", owner >= 0 ? absl::StrCat(ThreadName(owner), " has ended")
                                                : "no thread of this process holds the lock");
  AddBehind(&builder);
  return std::move(finding);
}

// Threads of one or several processes that only each other could wake.
class StandstillJudge {
 public:
  StandstillJudge(const trace::Run& run, const Stall& standstill)
      : run_(run), standstill_(standstill), builder_("deadlock", run, standstill.threads.front().process) {}

  Finding Judge();

 private:
  bool IsAwaited(Index process, Index lock) const;
  int AddWaiter(const ThreadRef& ref);
  std::string Sentence(const ThreadRef& ref, int part);
  std::string WhoCanEnd(const ThreadRef& ref);
  std::string Title() const;
  const char* HowToMend() const;
  bool TellFork();
  bool TellKilled();
  const trace::Process& ProcessOf(const ThreadRef& ref) const {
    return run_.processes[static_cast<size_t>(ref.process)];
  }
  // What could still come from outside: "SIGTERM comes"; empty where nothing can.
  std::string Unless() const;

  const trace::Run& run_;
  const Stall& standstill_;
  FindingBuilder builder_;
};

constexpr char kKilledFix[] =
    "Find out who killed it; a process that the kernel ends for want of memory is one. Wait with a timeout, "
    "and look for helpers that have ended{python:: concurrent.futures.ProcessPoolExecutor does, and raises "
    "BrokenProcessPool, where multiprocessing.Pool waits for ever}.";
// More signals than these are not named one by one.
constexpr int kNamedSignals = 3;
// And more processes neither.
constexpr size_t kNamedReleasers = 3;

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

bool StandstillJudge::IsAwaited(Index process, Index lock) const {
  return std::any_of(standstill_.threads.begin(), standstill_.threads.end(), [&](const ThreadRef& ref) {
    return ref.process == process &&
           ProcessOf(ref).threads[static_cast<size_t>(ref.thread)].wait.lock == lock;
  });
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
  waits.mode = thread.wait.mode;
  waits.stack = builder_.Stack(thread.wait.stack);
  for (const trace::Holding& held : thread.held) {
    // What a child has from before its fork says nothing, unless somebody waits for it.
    if (held.stack != kNoIndex || IsAwaited(ref.process, held.lock)) {
      builder_.AddHeld(part, held);
    }
  }
  builder_.AddIdentity(thread.wait.stack);
  builder_.finding().threads[static_cast<size_t>(part)].waits = std::move(waits);
  return part;
}

// The processes that have a pipe's other end, or the child that is awaited.
std::string StandstillJudge::WhoCanEnd(const ThreadRef& ref) {
  const trace::Wait& wait = ProcessOf(ref).threads[static_cast<size_t>(ref.thread)].wait;
  const bool told = wait.kind == trace::WaitKind::kCall || wait.kind == trace::WaitKind::kProcess;
  if (!told || wait.releasers.empty() || wait.releasers.size() > kNamedReleasers) {
    return "";
  }
  std::vector<std::string> names;
  for (const Index process : wait.releasers) {
    names.push_back(process == ref.process ? "the process itself"
                                           : ProcessName(builder_.In(process).AddProcess()));
  }
  return absl::StrCat(", which only ", absl::StrJoin(names, " or "), " can end");
}

std::string StandstillJudge::Sentence(const ThreadRef& ref, int part) {
  const std::string does = WhatItDoes(builder_.finding(), part);
  return absl::StrCat(ThreadName(part), " ", does, WhoCanEnd(ref));
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

// What a thread waits for inside its own process, where the parent's other threads would have brought it.
bool StandstillJudge::TellFork() {
  for (const ThreadRef& ref : standstill_.threads) {
    const trace::Wait& wait = ProcessOf(ref).threads[static_cast<size_t>(ref.thread)].wait;
    const trace::Lock* lock = analyze::At(ProcessOf(ref).locks, wait.lock);
    const bool shared = lock != nullptr && (lock->shared.has_value() || IsFileLock(*lock));
    const bool inside = wait.kind == trace::WaitKind::kFutex || (lock != nullptr && !shared);
    const std::optional<ForkCause> fork = inside ? FindFork(run_, ref.process) : std::nullopt;
    if (fork.has_value()) {
      absl::StrAppend(&builder_.finding().explanation, " ",
                      ExplainFork(run_, *fork, wait.lock, wait.address, &builder_));
      return true;
    }
  }
  return false;
}

// A process that was killed may have been the one to write, to post or to hand on.
bool StandstillJudge::TellKilled() {
  std::set<Index> told;
  for (const ThreadRef& ref : standstill_.threads) {
    if (!told.insert(ref.process).second) {
      continue;
    }
    for (const trace::Child& child : ProcessOf(ref).children) {
      if ((child.flags & trace::kReaped) == 0 || !WIFSIGNALED(child.reap_status)) {
        continue;
      }
      absl::StrAppend(&builder_.finding().explanation, " Before, pid ", child.pid, ", a child of ",
                      ProcessName(builder_.In(ref.process).AddProcess()), ", was killed by ",
                      SignalNames(uint64_t{1} << (WTERMSIG(child.reap_status) - 1)),
                      ": what it was to do, nobody does.");
      return true;
    }
  }
  return false;
}

const char* StandstillJudge::HowToMend() const {
  bool reads = false;
  bool writes = false;
  bool reaps = false;
  bool own_end = false;
  bool others = false;
  bool locks = true;  // nothing but them
  bool barrier = false;
  for (const ThreadRef& ref : standstill_.threads) {
    const trace::Wait& wait = ProcessOf(ref).threads[static_cast<size_t>(ref.thread)].wait;
    const bool reading = wait.kind == trace::WaitKind::kCall && !wait.writes && !wait.polls;
    reads = reads || reading;
    writes = writes || wait.writes;
    reaps = reaps || wait.kind == trace::WaitKind::kProcess;
    own_end = own_end || (reading && wait.releasers == std::vector<Index>{ref.process});
    // A join passes on what the other thread waits for.
    others = others || wait.polls ||
             (wait.kind != trace::WaitKind::kCall && wait.kind != trace::WaitKind::kProcess &&
              wait.kind != trace::WaitKind::kJoin);
    barrier = barrier || wait.kind == trace::WaitKind::kBarrier;
    const trace::Lock* lock = analyze::At(ProcessOf(ref).locks, wait.lock);
    locks = locks && wait.kind == trace::WaitKind::kLock && lock != nullptr && !IsSemaphore(*lock) &&
            !IsFileLock(*lock);
  }
  if (locks) {
    return "Find who took it and did not release it, and release it on every way out"
           "{c++:: a guard object such as std::lock_guard does that}{python:: `with` does that}.";
  }
  if (own_end && !others) {
    return "Close the end for writing in each process that only reads: as long as one has it open, a read "
           "never comes to the end.";
  }
  if (writes && reaps && !others) {
    return "Read what the child writes to its end before waiting for the child: it waits for room as long as "
           "nobody reads.{python: Popen.communicate() does both.}";
  }
  if (writes && !others) {
    return "Nobody empties what is full. Read one way while writing the other: with poll(), with a thread of "
           "its own{python:, with Popen.communicate()}.";
  }
  if (reads && !others) {
    return "Each waits for the other to write, or to close its end. Flush what was written, and close an end "
           "as soon as nothing more is written to it{python: (Popen.communicate() does both)}.";
  }
  if (barrier) {
    return "Fewer threads come to the barrier than it was made for: make it for the number that comes, or "
           "let "
           "the others come, also when they fail or end early.";
  }
  return "Find the wake-up that is missing: a post or signal that came before its wait, an end marker that "
         "was never sent, a task that waits for another one of its own full pool{python:, or for one that "
         "awaits it}.";
}

Finding StandstillJudge::Judge() {
  Finding& finding = builder_.finding();
  const trace::Process& first = run_.processes[static_cast<size_t>(standstill_.threads.front().process)];
  for (size_t t = 0; t < standstill_.threads.size() && t < kMaxBehind; ++t) {
    const int part = AddWaiter(standstill_.threads[t]);
    absl::StrAppend(&finding.explanation, Sentence(standstill_.threads[t], part), ". ");
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
  const bool forked = TellFork();
  const bool killed = !forked && TellKilled();
  finding.fix = forked ? kForkFix : killed ? kKilledFix : HowToMend();
  builder_.AddCondition("stands-still", first.ended ? WhenItEnded(first) : "nothing moved between the looks");
  builder_.AddCondition(
      "closed", standstill_.certain ? "nobody outside can end one of the waits, and no handler of a signal"
                                    : absl::StrCat("nobody else can end one of the waits unless ", Unless()));
  builder_.AddCondition("untimed", "none of the waits ends by itself");
  for (size_t b = 0; b < standstill_.behind.size() && b < kMaxBehind; ++b) {
    const int part = AddWaiter(standstill_.behind[b]);
    finding.threads[static_cast<size_t>(part)].role = kStuckBehind;
    finding.behind.push_back(Sentence(standstill_.behind[b], part));
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
void JudgeLostSignals(const trace::Run& run, const Stall& standstill, std::vector<Finding>* findings) {
  std::vector<std::pair<Index, Index>> told;
  for (const ThreadRef& ref : standstill.threads) {
    const trace::Process& process = run.processes[static_cast<size_t>(ref.process)];
    const trace::Wait& wait = process.threads[static_cast<size_t>(ref.thread)].wait;
    const trace::Lock* condition = At(process.locks, wait.lock);
    const std::pair key(ref.process, wait.lock);
    if (wait.kind == trace::WaitKind::kCondition && !wait.reacquiring && condition != nullptr &&
        !condition->interpreter && (condition->flags & trace::kSignalLost) != 0 &&
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

void JudgeCrowdedBarriers(const trace::Run& run, const Stall& standstill, std::vector<Finding>* findings) {
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

// Somebody has work to do and cannot get on with it.
bool IsHeldUp(const trace::Run& run, const ThreadRef& ref) {
  const trace::Process& process = run.processes[static_cast<size_t>(ref.process)];
  const trace::Wait& wait = process.threads[static_cast<size_t>(ref.thread)].wait;
  const trace::Lock* lock = At(process.locks, AwaitedLock(wait));
  return wait.writes || wait.kind == trace::WaitKind::kBarrier || (lock != nullptr && IsReportable(*lock));
}

// A server at rest, which waits to be told by a signal, with workers that wait to be told by it.
bool IsIdleService(const trace::Run& run, const Stall& standstill) {
  const auto held_up = [&run](const ThreadRef& ref) { return IsHeldUp(run, ref); };
  const auto is_told = [&run](const ThreadRef& ref) {
    return run.processes[static_cast<size_t>(ref.process)].service_signals != 0;
  };
  const std::vector<ThreadRef>& threads = standstill.threads;
  return !standstill.certain && std::any_of(threads.begin(), threads.end(), is_told) &&
         std::none_of(threads.begin(), threads.end(), held_up) &&
         std::none_of(standstill.behind.begin(), standstill.behind.end(), held_up);
}

}  // namespace

void JudgeDeadlock(const trace::Run& run, const Options& /*options*/, std::vector<Finding>* findings) {
  Content content(run);
  for (const Stall& stall : FindStalls(run)) {
    if (stall.kind == Stall::Kind::kStandstill) {
      if (IsIdleService(run, stall)) {
        continue;
      }
      findings->push_back(StandstillJudge(run, stall).Judge());
      JudgeLostSignals(run, stall, findings);
      JudgeCrowdedBarriers(run, stall, findings);
    } else if (!OnlyInterpreterLocks(run, stall)) {
      findings->push_back(DeadlockJudge(run, stall, &content).Judge());
    }
  }
}

}  // namespace gordian::analyze
