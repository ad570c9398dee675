// Who waits for a signal follows who sent it (kill and its kin: signal_calls.cc).
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "libsync/record/channels.h"
#include "libsync/record/joins.h"
#include "preload/intercept.h"

using namespace gordian::record;

INTERCEPT(int, pthread_kill, pthread_t thread, int signal) {
  CheckNotJoined(thread, gordian::trace::JoinMisuse::kSignalOfJoined, CALL_SITE());
  BeforeSignal(0, signal, CALL_SITE());
  return REAL(pthread_kill)(thread, signal);
}

INTERCEPT(int, pthread_sigqueue, pthread_t thread, int signal, union sigval value) {
  CheckNotJoined(thread, gordian::trace::JoinMisuse::kSignalOfJoined, CALL_SITE());
  BeforeSignal(0, signal, CALL_SITE());
  return REAL(pthread_sigqueue)(thread, signal, value);
}

INTERCEPT(int, sigwait, const sigset_t* signals, int* signal) {
  const int result = REAL(sigwait)(signals, signal);
  if (result == 0) {
    AfterSignal(*signal);
  }
  return result;
}

INTERCEPT(int, sigwaitinfo, const sigset_t* signals, siginfo_t* info) {
  const int signal = REAL(sigwaitinfo)(signals, info);
  AfterSignal(signal);
  return signal;
}

INTERCEPT(int, sigtimedwait, const sigset_t* signals, siginfo_t* info, const timespec* timeout) {
  const int signal = REAL(sigtimedwait)(signals, info, timeout);
  AfterSignal(signal);
  return signal;
}

INTERCEPT(int, sigsuspend, const sigset_t* mask) {
  const int result = REAL(sigsuspend)(mask);
  AfterAnySignal();
  return result;
}
INTERCEPT_ALIAS(__sigsuspend, sigsuspend)

INTERCEPT(int, pause) {
  const int result = REAL(pause)();
  AfterAnySignal();
  return result;
}
