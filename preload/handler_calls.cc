// Who handles which signal: a handler interrupts whatever runs, with the locks that it holds.
#include <signal.h>

#include "libsync/record/handlers.h"
#include "preload/intercept.h"

using gordian::record::MayInterrupt;
using gordian::record::RecordHandler;

namespace {

using Handler = void (*)(int);

const void* FunctionOf(Handler handler) {
  return handler == SIG_DFL || handler == SIG_IGN ? nullptr : reinterpret_cast<const void*>(handler);
}

Handler Noted(int signal, Handler handler, Handler former) {
  if (former != SIG_ERR && handler != SIG_ERR) {
    RecordHandler(signal, FunctionOf(handler));
  }
  return former;
}

}  // namespace

// What is asked for is read before the call, since another thread may change it; but only where libc reads it
// too.
INTERCEPT(int, sigaction, int signal, const struct sigaction* action, struct sigaction* former) {
  const bool is_set = action != nullptr && MayInterrupt(signal);
  const void* function = is_set ? FunctionOf(action->sa_handler) : nullptr;
  const int result = REAL(sigaction)(signal, action, former);
  if (result == 0 && is_set) {
    RecordHandler(signal, function);
  }
  return result;
}

INTERCEPT_ALIAS(__sigaction, sigaction)

INTERCEPT(Handler, signal, int signal, Handler handler) {
  return Noted(signal, handler, REAL(signal)(signal, handler));
}

INTERCEPT_ALIAS(bsd_signal, signal)
INTERCEPT_ALIAS(ssignal, signal)

INTERCEPT(Handler, sysv_signal, int signal, Handler handler) {
  return Noted(signal, handler, REAL(sysv_signal)(signal, handler));
}

INTERCEPT_ALIAS(__sysv_signal, sysv_signal)

INTERCEPT(Handler, sigset, int signal, Handler handler) {
  Handler former = REAL(sigset)(signal, handler);
  return handler == SIG_HOLD ? former : Noted(signal, handler, former);
}

INTERCEPT(int, sigignore, int signal) {
  const int result = REAL(sigignore)(signal);
  if (result == 0) {
    RecordHandler(signal, nullptr);
  }
  return result;
}
