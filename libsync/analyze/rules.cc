// The catalogue: ids, levels and confidences are public and stable. docs/rules has the long form.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "libsync/analyze/detector.h"

namespace gordian::analyze {
namespace {

constexpr Level kError = Level::kError;
constexpr Level kWarning = Level::kWarning;
constexpr Level kNote = Level::kNote;
constexpr Confidence kConfirmed = Confidence::kConfirmed;
constexpr Confidence kPotential = Confidence::kPotential;

constexpr Rule kRules[] = {
    // Deadlock.
    {"deadlock", kError, kConfirmed, "threads wait for each other and none can go on",
     "Take the locks in one order everywhere, and do not join a thread while holding what it needs."},
    {"self-deadlock", kError, kConfirmed, "a thread waits for something that only it can give",
     "Do not take a lock again while holding it: split the function into a locking outside and an inside "
     "that "
     "expects the lock, or use a recursive lock."},
    {"abandoned-lock", kError, kConfirmed, "a thread waits for a lock whose owner is gone",
     "Release every lock on every path out of a thread, with a guard object; use robust mutexes between "
     "processes."},
    {"lock-order-cycle", kError, kPotential, "locks are taken in orders that can deadlock",
     "Take the locks in one order everywhere, or all at once with std::scoped_lock."},
    {"join-order-cycle", kError, kPotential, "a thread is joined while a lock is held that it takes",
     "Release the lock before joining."},
    {"condition-nested-wait", kWarning, kPotential,
     "waits on a condition while holding a lock that every signaller needs",
     "Release the outer lock before waiting, or signal without it."},
    {"reader-writer-starve", kWarning, kPotential,
     "a nested read lock can queue behind a writer that waits for it",
     "Do not take a read lock again while holding it."},
    {"lost-signal", kNote, kConfirmed, "the last signal of a condition found nobody waiting",
     "Set the predicate under the mutex before signalling, and wait in a loop that tests it first."},
    {"rank-violation", kError, kConfirmed, "a lock is taken against its declared rank",
     "Take locks in ascending rank."},
    // Leaks.
    {"lock-held-at-thread-exit", kError, kConfirmed, "a thread ended while it held a lock",
     "Release locks with a guard object (std::lock_guard), so that every way out of the thread releases "
     "them."},
    {"lock-held-at-process-exit", kWarning, kConfirmed, "the process ended itself while it held a lock",
     "Release locks before exit(): exit handlers and destructors that need them hang."},
    {"lock-held-by-killed-process", kError, kConfirmed,
     "a process was killed while it held a lock of several processes",
     "Use robust mutexes or file locks between processes."},
    {"thread-unjoined", kError, kConfirmed, "a finished thread was never joined or detached",
     "Join every joinable thread, or detach it; std::jthread joins by itself."},
    {"thread-running-at-exit", kNote, kConfirmed, "a joinable thread still ran when the program ended",
     "Tell the thread to stop and join it before main returns."},
    {"child-zombie", kError, kConfirmed, "a child process ended and was not waited for",
     "Call waitpid() for every child, or set SIGCHLD to SIG_IGN if its status does not matter."},
    {"child-orphan", kWarning, kConfirmed, "a child process outlived the parent that started it",
     "Stop and wait for children before ending, or start a daemon on purpose with setsid()."},
    {"semaphore-leaked", kWarning, kConfirmed,
     "a named semaphore or shared memory was created and never unlinked",
     "Call sem_unlink() or shm_unlink() when the last user is done."},
    // Misuse.
    {"unlock-not-held", kError, kConfirmed, "a lock was unlocked that nobody held",
     "Unlock exactly once per lock; use a guard object."},
    {"unlock-not-owner", kError, kConfirmed, "a lock was unlocked by a thread that did not hold it",
     "Unlock in the thread that locked; to signal another thread use a semaphore or a condition variable."},
    {"destroy-in-use", kError, kConfirmed, "a synchronisation object was destroyed while in use",
     "Make sure that every user is done, by joining the threads, before destroying the object."},
    {"free-in-use", kError, kConfirmed, "memory with a held lock in it was given back",
     "Release the lock before its memory goes away."},
    {"reinit-in-use", kError, kConfirmed, "a synchronisation object was initialised while in use",
     "Initialise once, before any thread can reach the object."},
    {"use-after-destroy", kError, kConfirmed, "a synchronisation object was used after it was destroyed",
     "Destroy the object only when no thread can reach it any more."},
    {"condition-mutex", kError, kConfirmed, "a condition was waited for with the wrong mutex",
     "Hold the mutex that is passed to the wait, and use one mutex per condition."},
    {"join-misuse", kError, kConfirmed, "a thread was joined or detached that cannot be",
     "Join or detach each thread once."},
    {"barrier-misuse", kError, kConfirmed, "a barrier was used against its rules",
     "Initialise a barrier with the number of threads that wait at it."},
    {"semaphore-misuse", kError, kConfirmed, "a semaphore was used against its rules",
     "Initialise a semaphore once and keep its count below SEM_VALUE_MAX."},
    {"api-error", kNote, kConfirmed, "a synchronisation call returned an error",
     "Look at the result of the call: it names a mistake in its use."},
    // Fork, signal, waiting.
    {"fork-while-locked", kWarning, kConfirmed, "a process forked while another thread held a lock",
     "Fork before starting threads, call exec in the child, or take the locks in pthread_atfork handlers."},
    {"lock-in-signal-handler", kError, kPotential, "a signal handler takes a lock that it can interrupt",
     "Do not lock in signal handlers: set a flag or write to a pipe."},
    {"blocking-while-locked", kNote, kConfirmed,
     "a thread slept, waited or did I/O that blocked while it held a lock",
     "Release locks before sleeping, joining or doing I/O."},
    {"long-hold", kNote, kConfirmed, "a lock was held for long", "Do less while holding the lock."},
    {"long-wait", kNote, kConfirmed, "a lock was waited for for long",
     "Hold the lock for less time, or split it."},
    // Races.
    {"data-race", kError, kConfirmed, "two threads access the same memory without order, and one writes",
     "Guard every access with one lock, or make the variable atomic."},
    {"file-race", kError, kPotential, "two processes rewrite the same file without order",
     "Hold a file lock from the read to the write."},
};

}  // namespace

std::span<const Rule> Rules() { return kRules; }

const Rule& RuleById(const char* id) {
  const auto* const found = std::find_if(std::begin(kRules), std::end(kRules),
                                         [id](const Rule& rule) { return std::strcmp(rule.id, id) == 0; });
  if (found == std::end(kRules)) {
    std::fprintf(stderr, "gordian: no rule named %s\n", id);
    std::abort();
  }
  return *found;
}

}  // namespace gordian::analyze
