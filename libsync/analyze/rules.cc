// The catalogue: ids, levels and confidences are public and stable. `gordian explain` prints it, and
// docs/rules.md is made of it.
#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "libsync/analyze/detector.h"
#include "libsync/analyze/rule_pages.h"

namespace gordian::analyze {
namespace {

constexpr Level kError = Level::kError;
constexpr Level kWarning = Level::kWarning;
constexpr Level kNote = Level::kNote;
constexpr Confidence kConfirmed = Confidence::kConfirmed;
constexpr Confidence kPotential = Confidence::kPotential;

constexpr RulePage kPages[] = {
    // Deadlock.
    {"deadlock", kError, kConfirmed,
     "a warning where a signal handler, or a process that opens the shared memory by its name, could still "
     "end it",
     "Threads or processes wait for each other for good: over locks of any kind, joins, semaphores, "
     "conditions, "
     "barriers, pipes, children. It is reported while the program hangs.",
     "Thread 1 holds A and waits for B, thread 2 holds B and waits for A.",
     "None of them ever goes on, and whoever needs one of them hangs as well.",
     "Take the locks in one order everywhere, and do not join a thread while holding what it needs."},
    {"self-deadlock", kError, kConfirmed, "",
     "A thread waits for something that only it can give, such as a lock that it holds itself.",
     "A function locks a mutex and calls another one that locks it again.", "The thread never goes on.",
     "Do not take a lock again while holding it: split the function into one that locks and one that expects "
     "the "
     "lock, or use a recursive lock."},
    {"abandoned-lock", kError, kConfirmed, "", "A thread waits for a lock whose owner is gone.",
     "A thread returns from its start routine with a mutex held; the next one that locks it waits for good.",
     "Only the owner could have released the lock.",
     "Release every lock on every path out of a thread, with a guard object. Use robust mutexes between "
     "processes."},
    {"lock-order-cycle", kError, kPotential,
     "a warning where something was handed over in between each time, or where the kernel breaks the ring "
     "(POSIX file "
     "locks)",
     "Locks are taken in orders that can deadlock, by any number of threads and locks. It did not happen "
     "this time.",
     "Thread 1 locks A and then B; thread 2 locks B and then A.",
     "With other timing, or more load, each holds its first lock and waits for the other's: the program "
     "hangs.",
     "Take the locks in one order everywhere, or all at once with std::scoped_lock. `gordian confirm` makes "
     "it happen."},
    {"join-order-cycle", kError, kPotential, "",
     "A thread is joined while a lock is held that the thread takes.",
     "main locks A and joins a worker, which locks A before it ends.",
     "If the worker comes to the lock after main took it, main waits for the worker and the worker for main.",
     "Release the lock before joining."},
    {"condition-nested-wait", kWarning, kPotential, "",
     "A wait on a condition variable while a second lock is held that every signaller needs.",
     "A thread holds A and waits on a condition with mutex B; whoever signals locks A first.",
     "The wait gives up B alone. Nobody can come to the signal as long as the waiter holds A.",
     "Release the outer lock before waiting, or signal without it."},
    {"reader-writer-starve", kWarning, kPotential, "",
     "A thread takes a read lock again while it holds it, and a writer can come in between.",
     "A reads, B wants to write, A reads again before it has released the first.",
     "Where a waiting writer holds new readers up, the second read waits for the writer and the writer for "
     "the first.",
     "Do not take a read lock again while holding it."},
    {"lost-signal", kNote, kConfirmed, "",
     "A thread of a deadlock waits on a condition variable whose last signal came before anybody waited.",
     "One thread signals; the other begins to wait after that.",
     "A condition variable keeps no signal: the waiter waits for good.",
     "Set the predicate under the mutex before signalling, and wait in a loop that tests it first."},
    // Leaks.
    {"lock-held-at-thread-exit", kError, kConfirmed, "", "A thread ended while it held a lock.",
     "An early return between lock and unlock in the start routine.",
     "Nobody else may release the lock: whoever needs it from now on waits for good.",
     "Release locks with a guard object (std::lock_guard), so that every way out of the thread releases "
     "them."},
    {"lock-held-at-process-exit", kWarning, kConfirmed, "", "The process ended itself while it held a lock.",
     "exit() is called from inside a locked scope.",
     "Exit handlers, destructors of static objects and threads that still run hang if they need the lock.",
     "Leave the locked scope before exit()."},
    {"lock-held-by-killed-process", kError, kConfirmed, "",
     "A process was killed while it held a lock in memory of several processes; the report says by whom.",
     "A worker is terminated while it holds a multiprocessing.Lock.",
     "The lock stays held for good, and with it every process that needs it.",
     "Use robust mutexes or file locks between processes, and do not kill a process that can hold a lock."},
    {"thread-unjoined", kError, kConfirmed,
     "a note where the process ended within 200 ms of the thread's end, or before it",
     "A thread that nobody joined or detached.",
     "pthread_create() without pthread_join() or pthread_detach().",
     "Its stack and its record stay allocated: a program that does so again and again runs out of both.",
     "Join every joinable thread, or detach it. std::jthread joins by itself."},
    {"thread-running-at-exit", kNote, kConfirmed, "",
     "A joinable thread still waited for something when the program ended.",
     "main returns while a worker waits for work.",
     "While the program is torn down the thread can touch objects that are destroyed already.",
     "Tell the thread to stop, and join it before main returns."},
    {"child-zombie", kError, kConfirmed,
     "a note where the parent waited for another child first, or ended itself",
     "An ended child that its living parent did not wait for.",
     "fork() without waitpid(); Popen without wait().",
     "It keeps its process id and its place in the process table; with many of them no process can be "
     "started.",
     "Call waitpid() for every child, or set SIGCHLD to SIG_IGN if its status does not matter."},
    {"child-orphan", kWarning, kConfirmed, "",
     "A child that outlived the process that started it, and is no daemon.",
     "A script ends while a helper that it started in the background still runs.",
     "It runs on unobserved, and may keep files, ports and terminals.",
     "Stop and wait for children before ending, or start a daemon on purpose with setsid()."},
    {"semaphore-leaked", kWarning, kConfirmed, "",
     "A named semaphore or shared memory that was made in the run and that nobody unlinked.",
     "sem_open(O_CREAT) without sem_unlink().",
     "It stays until the next start of the machine, with the count that it had.",
     "Call sem_unlink() or shm_unlink() when the last user is done."},
    // Misuse.
    {"unlock-not-held", kError, kConfirmed, "a warning where the call was refused",
     "Unlock of a lock that nobody held.", "A mutex is unlocked twice on one path.",
     "The C library does not notice; the lock may let two threads in afterwards.",
     "Unlock exactly once for each lock, with a guard object."},
    {"unlock-not-owner", kError, kConfirmed, "a warning where the call was refused",
     "Unlock by a thread that did not hold the lock.",
     "One thread locks a mutex, and another unlocks it to wake the first.",
     "Two threads can be inside at once from then on.",
     "Unlock in the thread that locked. To signal another thread use a semaphore or a condition variable."},
    {"destroy-in-use", kError, kConfirmed,
     "a warning where a thread destroys a mutex that it holds itself: the call is refused",
     "Destruction of a synchronisation object that is held or waited for.",
     "A mutex is destroyed while a worker holds it.",
     "Its user may hang, or write into memory that is something else by then.",
     "Make sure that every user is done, by joining the threads, before destroying the object."},
    {"free-in-use", kError, kConfirmed, "",
     "Memory with a held lock, or a condition that is waited for, was unmapped, freed (--check-free), or "
     "left as a stack frame.",
     "An object is deleted from inside a method that holds its mutex.",
     "Whoever unlocks it next writes into somebody else's data.",
     "Release the lock before its memory goes away."},
    {"reinit-in-use", kError, kConfirmed, "",
     "Initialisation of a synchronisation object that is held or waited for.",
     "pthread_mutex_init() at each call of a function, by several threads.",
     "The object looks free: two threads get in, or the waiting one is never woken.",
     "Initialise once, before any thread can reach the object."},
    {"use-after-destroy", kError, kConfirmed, "a warning where nothing in the object tells",
     "Use of a destroyed lock, condition variable, semaphore or barrier.",
     "A worker locks a mutex that main has destroyed.",
     "What the call does is undefined: it may hang, fail, or let several threads in.",
     "Destroy the object only when no thread can reach it any more."},
    {"condition-mutex", kError, kConfirmed, "",
     "A wait on a condition variable with a mutex that is not held, or that is not the one in use.",
     "Two threads wait on one condition variable with two mutexes.",
     "The wait and the signal are not ordered: a signal can be missed.",
     "Hold the mutex that is passed to the wait, and use one mutex for each condition variable."},
    {"join-misuse", kError, kConfirmed, "a warning where a joined thread was cancelled or sent a signal",
     "A thread was joined or detached that cannot be, or used after it was joined.",
     "pthread_join() twice, or of a detached thread.", "The id may be another thread's by then.",
     "Join or detach each thread once."},
    {"barrier-misuse", kError, kConfirmed, "",
     "A barrier with count 0, re-initialised while in use, or used by more threads than its count.",
     "Three threads come to a barrier that was made for two.", "One of them is left over and waits for good.",
     "Initialise a barrier with the number of threads that wait at it."},
    {"semaphore-misuse", kError, kConfirmed, "", "A semaphore that is asked to hold more than it can.",
     "sem_init() with a value above SEM_VALUE_MAX.", "The call fails, and the posts that follow are lost.",
     "Initialise a semaphore once and keep its count below SEM_VALUE_MAX."},
    {"api-error", kNote, kConfirmed, "",
     "A synchronisation call that returned an error which is no part of normal use.",
     "pthread_mutex_lock() of an error-checking mutex returns EDEADLK.",
     "What the call was for did not happen: the program goes on without the protection that it counts on.",
     "Look at the result of the call: it names a mistake in its use."},
    // Fork, signal, waiting.
    {"fork-while-locked", kWarning, kConfirmed, "", "fork without exec while another thread holds a lock.",
     "A threaded program forks a worker, which uses malloc, logging or a lock of its own.",
     "The child has the lock, but not the thread that would release it.",
     "Fork before starting threads, call exec in the child, or take the locks in pthread_atfork handlers."},
    {"lock-in-signal-handler", kError, kPotential, "a warning where two threads are concerned",
     "A signal handler takes a lock that the interrupted code can hold.",
     "A handler for SIGALRM logs with a mutex that main holds when the signal comes.",
     "The handler waits for the thread that it interrupted.",
     "Do not lock in signal handlers: set a flag or write to a pipe."},
    {"stuck-holder", kWarning, kConfirmed, "",
     "A lock is waited for, and who has it does not get on: it polls at one place for something else, or has "
     "only inherited a locked file.",
     "A thread holds a connection's mutex and tries again and again to get another lock, in a wait with a "
     "timeout.",
     "Who waits for the lock waits as long, and for good where the other can only come from there.",
     "Do not poll while holding a lock, give up after a number of tries, and open locked files with "
     "O_CLOEXEC."},
    {"blocking-while-locked", kNote, kConfirmed, "",
     "A thread sleeps, waits, reads or writes for long while it holds a lock.",
     "A mutex is held over a read() from a socket.", "Every thread that wants the lock waits as long.",
     "Release locks before sleeping, joining or doing input and output."},
    {"long-hold", kNote, kConfirmed, "", "A lock was held for longer than --hold-ms.",
     "A table is built under the lock that guards it.", "Every thread that wants the lock waits as long.",
     "Do less while holding the lock."},
    {"long-wait", kNote, kConfirmed, "", "A lock was waited for longer than --wait-ms.",
     "Many threads share one lock around a slow call.", "The threads run one after the other.",
     "Hold the lock for less time, or split it."},
    {"file-lock-lost", kWarning, kConfirmed,
     "an error where another process then took the lock while the file was still open",
     "A lock by fcntl() or lockf() that vanished because another descriptor of the file was closed.",
     "A program locks its file, and a function opens the file once more, reads it and closes it.",
     "Closing any descriptor of a file gives back all such locks that the process has on it, and nobody is "
     "told.",
     "Use flock() or an open file description lock (F_OFD_SETLK), or open the file once."},
    // Races.
    {"file-race", kError, kPotential, "a warning where both replace the file as a whole",
     "Two threads or processes read a file, and then both rewrite it.",
     "Two processes read a counter from a file, add one, and write it back.",
     "One of the two updates is lost.", "Hold a file lock from the read to the write."},
};

constexpr auto kRules = [] {
  std::array<Rule, std::size(kPages)> rules{};
  std::transform(std::begin(kPages), std::end(kPages), rules.begin(), [](const RulePage& page) {
    return Rule{page.id, page.level, page.confidence, page.what, page.fix};
  });
  return rules;
}();

}  // namespace

std::span<const RulePage> RulePages() { return kPages; }

std::span<const Rule> Rules() { return kRules; }

const Rule& RuleById(const char* id) {
  const auto* const found = std::find_if(kRules.begin(), kRules.end(),
                                         [id](const Rule& rule) { return std::strcmp(rule.id, id) == 0; });
  if (found == kRules.end()) {
    std::fprintf(stderr, "gordian: no rule named %s\n", id);
    std::abort();
  }
  return *found;
}

}  // namespace gordian::analyze
