// Who sends which process a signal: a lock that a killed process leaves behind is then more than an accident,
// and who waits for the signal follows who sent it.
#include <setjmp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/types.h>

#include "libsync/record/acquire.h"
#include "libsync/record/channels.h"
#include "libsync/record/events.h"
#include "libsync/record/once.h"
#include "preload/intercept.h"

using namespace gordian::record;

namespace {

void RecordKill(pid_t pid, int signal, const Site& site) {
  if (signal == 0 || t_vfork_depth != 0) {
    return;
  }
  if (pid >= 0) {
    BeforeSignal(pid, signal, site);
  }
  const Entry entry(Entry::Open::kOnlyIfOpen);
  if (entry) {
    RecordEvent(entry.thread(), gordian::trace::EventKind::kKill, 0, 0,
                static_cast<int64_t>(static_cast<uint32_t>(pid)) | static_cast<int64_t>(signal) << 32,
                StackOf(entry.thread(), site), 0);
  }
}

}  // namespace

INTERCEPT(int, kill, pid_t pid, int signal) {
  RecordKill(pid, signal, CALL_SITE());
  return REAL(kill)(pid, signal);
}

INTERCEPT(int, tgkill, pid_t group, pid_t thread, int signal) {
  RecordKill(group, signal, CALL_SITE());
  return REAL(tgkill)(group, thread, signal);
}

INTERCEPT(int, killpg, pid_t group, int signal) {
  RecordKill(-group, signal, CALL_SITE());
  return REAL(killpg)(group, signal);
}

INTERCEPT(int, sigqueue, pid_t pid, int signal, union sigval value) {
  RecordKill(pid, signal, CALL_SITE());
  return REAL(sigqueue)(pid, signal, value);
}

// A jump out of a handler that interrupted the recorder would leave its locks taken for good. The jump itself
// restores another frame, so nothing of ours is left on the stack. Whether it leaves the routine of a
// pthread_once cannot be told: it is taken to.
INTERCEPT(void, longjmp, jmp_buf buffer, int value) {
  LeaveByJump();
  LeaveAllOnceRoutines();
  REAL(longjmp)(buffer, value);
  __builtin_unreachable();
}

INTERCEPT(void, _longjmp, jmp_buf buffer, int value) {
  LeaveByJump();
  LeaveAllOnceRoutines();
  REAL(_longjmp)(buffer, value);
  __builtin_unreachable();
}

INTERCEPT(void, siglongjmp, sigjmp_buf buffer, int value) {
  LeaveByJump();
  LeaveAllOnceRoutines();
  REAL(siglongjmp)(buffer, value);
  __builtin_unreachable();
}

INTERCEPT(void, __longjmp_chk, sigjmp_buf buffer, int value) {
  LeaveByJump();
  LeaveAllOnceRoutines();
  REAL(__longjmp_chk)(buffer, value);
  __builtin_unreachable();
}

// A sandbox begins: a system call of ours could be the one it kills for. PR_SET_NO_NEW_PRIVS comes first
// where the filter itself is loaded by a bare system call (libseccomp).
INTERCEPT(int, prctl, int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d) {
  if (option == PR_SET_SECCOMP || (option == PR_SET_NO_NEW_PRIVS && a == 1)) {
    const Entry entry;
    if (entry) {
      StopSystemCalls();
    }
  }
  const int result = REAL(prctl)(option, a, b, c, d);
  if (option == PR_SET_NAME && result == 0) {
    const Entry entry(Entry::Open::kOnlyIfOpen);
    SetThreadName(entry ? FindThread(pthread_self()) : 0, reinterpret_cast<const char*>(a));
  }
  return result;
}
