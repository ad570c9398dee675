// Calls that wait for children. What they return tells who was reaped; who waits is shown while they block.
#include <sys/wait.h>
#include <unistd.h>

#include "libsync/record/acquire.h"
#include "libsync/record/blocking.h"
#include "libsync/record/children.h"
#include "libsync/record/plan.h"
#include "libsync/record/waits.h"
#include "preload/intercept.h"

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
  const gordian::trace::Ref child = pid > 0 ? FindChild(pid) : 0;
  const gordian::trace::Ref stack = StackOf(entry.thread(), site);
  if (entry->own_slot->held_count != 0) {
    RecordAwaitedEnd(entry.thread(), child, gordian::trace::kAwaitsChild, stack);
    if (g_plan != nullptr && child != 0) {
      BeforeChildWait(entry.thread(), pid, stack);
    }
  }
  return BeginWait(&entry, gordian::trace::WaitKind::kProcess, child, pid, false, stack);
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

// `call` is given the caller's own place for the status wherever there is one: the kernel answers for a bad
// address.
template <typename Call>
pid_t Wait(const char* name, pid_t pid, int* status, int options, const Site& site, const Call& call) {
  Thread* waiting = BeginChildWait(pid, options, site);
  const Blocked blocked = BeginBlocking();
  int own_status = 0;
  int* place = status != nullptr ? status : &own_status;
  const pid_t result = call(place);
  EndBlocking(blocked, name, 0, site);
  EndChildWait(waiting, result, result > 0 ? *place : 0);
  return result;
}

}  // namespace

INTERCEPT(pid_t, waitpid, pid_t pid, int* status, int options) {
  return Wait("waitpid", pid, status, options, CALL_SITE(),
              [=](int* place) { return REAL(waitpid)(pid, place, options); });
}

INTERCEPT(pid_t, wait, int* status) {
  return Wait("wait", -1, status, 0, CALL_SITE(), [](int* place) { return REAL(wait)(place); });
}

INTERCEPT_ALIAS(__waitpid, waitpid)
INTERCEPT_ALIAS(__wait, wait)

INTERCEPT(pid_t, wait3, int* status, int options, struct rusage* usage) {
  return Wait("wait3", -1, status, options, CALL_SITE(),
              [=](int* place) { return REAL(wait3)(place, options, usage); });
}

INTERCEPT(pid_t, wait4, pid_t pid, int* status, int options, struct rusage* usage) {
  return Wait("wait4", pid, status, options, CALL_SITE(),
              [=](int* place) { return REAL(wait4)(pid, place, options, usage); });
}

INTERCEPT(int, waitid, idtype_t type, id_t id, siginfo_t* info, int options) {
  const pid_t pid = type == P_PID ? static_cast<pid_t>(id) : -1;
  Thread* waiting = BeginChildWait(pid, options, CALL_SITE());
  const Blocked blocked = BeginBlocking();
  siginfo_t own{};
  siginfo_t* place = info != nullptr ? info : &own;
  const int result = REAL(waitid)(type, id, place, options);
  EndBlocking(blocked, "waitid", 0, CALL_SITE());
  const bool reaped = result == 0 && (options & WNOWAIT) == 0;
  EndChildWait(waiting, reaped ? place->si_pid : 0, reaped ? StatusOf(*place) : 0);
  return result;
}
