// Calls that wait for children. What they return tells who was reaped; who waits is shown while they block.
#include <sys/wait.h>
#include <unistd.h>

#include "libsync/record/acquire.h"
#include "libsync/record/children.h"
#include "preload/intercept.h"
#include "preload/watcher.h"

using namespace gordian::record;

namespace {

Thread* BeginChildWait(pid_t pid, int options, const Site& site) {
  if ((options & WNOHANG) != 0) {
    return nullptr;
  }
  Entry entry(Entry::Open::kOnlyIfOpen);
  if (!entry) {
    return nullptr;
  }
  return BeginWait(&entry, gordian::trace::WaitKind::kProcess, pid > 0 ? FindChild(pid) : 0, pid, false,
                   StackOf(entry.thread(), site));
}

void EndChildWait(Thread* waiting, pid_t pid, int status) {
  EndWait(waiting);
  if (pid <= 0 || !(WIFEXITED(status) || WIFSIGNALED(status))) {
    return;
  }
  const Entry entry(Entry::Open::kOnlyIfOpen);
  if (entry) {
    RecordReaped(entry.thread(), pid, status);
  }
}

// The status as wait(2) would have given it.
int StatusOf(const siginfo_t& info) {
  switch (info.si_code) {
    case CLD_EXITED:
      return info.si_status << 8;
    case CLD_KILLED:
      return info.si_status & 0x7F;
    case CLD_DUMPED:
      return (info.si_status & 0x7F) | 0x80;
    default:
      return 0x7F;  // stopped or continued: not reaped
  }
}

// The watcher that this image started may have become its child (of a pid 1): the program never hears of it.
// `place` is the caller's own place for the status wherever there is one: the kernel answers for a bad
// address.
#define WAIT_HIDING_WATCHER(pid, options, place, call)         \
  Thread* waiting = BeginChildWait(pid, options, CALL_SITE()); \
  int own_status = 0;                                          \
  int* place = status != nullptr ? status : &own_status;       \
  pid_t result;                                                \
  do {                                                         \
    if (gordian::preload::OnlyWatcherIsLeft(pid)) {            \
      EndWait(waiting);                                        \
      errno = ECHILD;                                          \
      return -1;                                               \
    }                                                          \
    result = call;                                             \
  } while (gordian::preload::IsWatcher(result));               \
  EndChildWait(waiting, result, result > 0 ? *place : 0);      \
  return result

}  // namespace

INTERCEPT(pid_t, waitpid, pid_t pid, int* status, int options) {
  WAIT_HIDING_WATCHER(pid, options, place, REAL(waitpid)(pid, place, options));
}

INTERCEPT(pid_t, wait, int* status) { WAIT_HIDING_WATCHER(-1, 0, place, REAL(wait)(place)); }

INTERCEPT_ALIAS(__waitpid, waitpid)
INTERCEPT_ALIAS(__wait, wait)

INTERCEPT(pid_t, wait3, int* status, int options, struct rusage* usage) {
  WAIT_HIDING_WATCHER(-1, options, place, REAL(wait3)(place, options, usage));
}

INTERCEPT(pid_t, wait4, pid_t pid, int* status, int options, struct rusage* usage) {
  WAIT_HIDING_WATCHER(pid, options, place, REAL(wait4)(pid, place, options, usage));
}

INTERCEPT(int, waitid, idtype_t type, id_t id, siginfo_t* info, int options) {
  const pid_t pid = type == P_PID ? static_cast<pid_t>(id) : -1;
  Thread* waiting = BeginChildWait(pid, options, CALL_SITE());
  siginfo_t own{};
  siginfo_t* place = info != nullptr ? info : &own;
  int result;
  do {
    if (gordian::preload::OnlyWatcherIsLeft(pid)) {
      EndWait(waiting);
      errno = ECHILD;
      return -1;
    }
    result = REAL(waitid)(type, id, place, options);
  } while (result == 0 && gordian::preload::IsWatcher(place->si_pid));
  const bool reaped = result == 0 && (options & WNOWAIT) == 0;
  EndChildWait(waiting, reaped ? place->si_pid : 0, reaped ? StatusOf(*place) : 0);
  return result;
}
