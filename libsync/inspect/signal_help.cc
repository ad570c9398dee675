#include "libsync/inspect/signal_help.h"

#include <sys/syscall.h>

#include <algorithm>
#include <csignal>
#include <iterator>
#include <string_view>

#include "libsync/inspect/calls.h"
#include "libsync/inspect/polled.h"

namespace gordian::inspect {
namespace {

using trace::LockKind;
using trace::WaitKind;

// glibc's own, for pthread_cancel and for setuid in all threads.
constexpr int kFirstOfLibc = 32;
constexpr uint64_t kLibrarySignals = SignalBit(kFirstOfLibc) | SignalBit(kFirstOfLibc + 1);
constexpr int kFirstRealTime = 34;  // what glibc leaves to programs
// A thread that sleeps makes no such mistake, and their handlers write a message and end the process.
constexpr uint64_t kFaultSignals = SignalBit(SIGSEGV) | SignalBit(SIGBUS) | SignalBit(SIGFPE) |
                                   SignalBit(SIGILL) | SignalBit(SIGABRT) | SignalBit(SIGTRAP) |
                                   SignalBit(SIGSYS);

// Signals that a loaded object handles for its own business.
struct OwnSignals {
  std::string_view name;  // of the file; a version or nothing follows
  uint64_t signals;
};
constexpr uint64_t kCtrlC = SignalBit(SIGINT);
constexpr uint64_t kOfShell = SignalBit(SIGINT) | SignalBit(SIGCHLD);
constexpr OwnSignals kOwnSignals[] = {
    // The default handler of SIGINT only breaks the program off (Modules/signalmodule.c: KeyboardInterrupt).
    {"python", kCtrlC},
    {"libpython", kCtrlC},
    {"pypy", kCtrlC},
    {"libpypy", kCtrlC},
    // They note that a command ended, and are about to end themselves. Traps add other signals.
    {"dash", kOfShell},
    {"bash", kOfShell},
    {"sh", kOfShell},
    {"busybox", kOfShell},
    {"zsh", kOfShell},
    {"ksh", kOfShell},
    {"mksh", kOfShell},
    {"yash", kOfShell},
    // Stops the world and starts it again (include/private/gcconfig.h: SIG_SUSPEND, SIG_THR_RESTART).
    {"libgc.so",
     SignalBit(SIGPWR) | SignalBit(SIGXCPU) | SignalBit(kFirstRealTime + 5) | SignalBit(kFirstRealTime + 6)},
    // A memory barrier in every thread that reads (src/urcu.c: SIGRCU).
    {"liburcu-signal.so", SignalBit(SIGUSR1)},
};

// "python3.11" and "libgc.so.1" are what their rows say, "pythonqt" and "shadow" are not.
bool IsVersionOf(std::string_view file, std::string_view name) {
  if (!file.starts_with(name)) {
    return false;
  }
  const std::string_view rest = file.substr(name.size());
  return rest.empty() || rest[0] == '.' || rest[0] == '-' || (rest[0] >= '0' && rest[0] <= '9');
}

uint64_t OwnSignalsOf(std::string_view path) {
  const std::string_view file = path.substr(path.rfind('/') + 1);
  const auto* const row = std::find_if(std::begin(kOwnSignals), std::end(kOwnSignals),
                                       [file](const OwnSignals& own) { return IsVersionOf(file, own.name); });
  return row == std::end(kOwnSignals) ? 0 : row->signals;
}

}  // namespace

bool HandlerCanEnd(const trace::Wait& wait, const TaskWait& call) {
  switch (wait.kind) {
    case WaitKind::kLock:
    case WaitKind::kCondition:
    case WaitKind::kFutex:
      return call.syscall == SYS_futex;
    case WaitKind::kCall:
      return IsRead(call.syscall) || IsPoll(call.syscall);
    default:
      return false;
  }
}

uint64_t HelpfulSignals(uint64_t caught, uint64_t blocked, const std::vector<trace::Module>& modules) {
  uint64_t helpful = caught & ~blocked & ~kLibrarySignals & ~kFaultSignals;
  for (const trace::Module& module : modules) {
    helpful &= ~OwnSignalsOf(module.path);
  }
  return helpful;
}

}  // namespace gordian::inspect
