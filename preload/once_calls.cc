// pthread_once and call_once; std::call_once is the former. Who comes while the routine runs waits for the
// thread that runs it. Once it is done, the hook is a few loads and the real call.
//
// The routine is run by once.S: a frame that is told when an exception or a cancellation unwinds it. libc's
// own clean-up stack would not do here, since an exception does not take anything off it.
#include <pthread.h>
#include <threads.h>

#include <cstdint>

#include "libsync/record/acquire.h"
#include "libsync/record/hand_overs.h"
#include "libsync/record/once.h"
#include "preload/intercept.h"

using namespace gordian::record;

namespace {

struct OnceCall {
  Attempt attempt;
  pthread_once_t* once;
  void (*routine)();
};

// The call that libc may be about to run the routine of. On the stack of the hook.
__attribute__((tls_model("initial-exec"))) thread_local constinit const OnceCall* t_call = nullptr;

// _UA_CLEANUP_PHASE, _URC_CONTINUE_UNWIND.
constexpr int kCleanupPhase = 2;
constexpr int kContinueUnwind = 8;

struct Routine {
  void (*run)();
  pthread_once_t* once;
};

}  // namespace

// once.S and its three turns.
extern "C" {
__attribute__((visibility("hidden"))) void gordian_once_run();
__attribute__((visibility("hidden"))) Routine gordian_once_begin();
__attribute__((visibility("hidden"))) void gordian_once_end(pthread_once_t* once);
__attribute__((visibility("hidden"))) int gordian_once_unwound(int version, int actions, uint64_t type,
                                                               void* exception, void* context);
}

Routine gordian_once_begin() {
  const OnceCall* call = t_call;
  EndAcquire(call->attempt, true);
  return Routine{call->routine, call->once};
}

void gordian_once_end(pthread_once_t* once) { EndOnceRoutine(once); }

// The frame's personality routine, called by whichever unwinder the program has: it may ask that one nothing.
int gordian_once_unwound(int /*version*/, int actions, uint64_t /*type*/, void* /*exception*/,
                         void* /*context*/) {
  if ((actions & kCleanupPhase) != 0) {
    LeaveOnceRoutine();
  }
  return kContinueUnwind;
}

namespace {

// `real` calls the real function with a routine.
template <typename Call>
__attribute__((noinline)) int CallSlowly(pthread_once_t* once, void (*routine)(), const Site& site,
                                         Call real) {
  const OnceCall call{
      BeginAcquire(OnceFacts(once), gordian::trace::Mode::kExclusive, Blocking::kForever, site), once,
      routine};
  if (call.attempt.thread == nullptr) {
    return real(routine);
  }
  const OnceCall* outer = t_call;
  t_call = &call;
  const int result = real(gordian_once_run);
  t_call = outer;
  EndOnce(call.attempt, once);
  return result;
}

template <typename Call>
__attribute__((always_inline)) inline int CallOnce(pthread_once_t* once, void (*routine)(), const Site& site,
                                                   Call real) {
  if (!OnceIsDone(once)) {
    return CallSlowly(once, routine, site, real);
  }
  PassDoneOnce(once);
  return real(routine);
}

}  // namespace

INTERCEPT(int, pthread_once, pthread_once_t* once, void (*routine)()) {
  return CallOnce(once, routine, CALL_SITE(), [=](void (*run)()) { return REAL(pthread_once)(once, run); });
}

// A once_flag is a pthread_once_t in a struct.
INTERCEPT(void, call_once, once_flag* flag, void (*routine)()) {
  CallOnce(reinterpret_cast<pthread_once_t*>(flag), routine, CALL_SITE(), [=](void (*run)()) {
    REAL(call_once)(flag, run);
    return 0;
  });
}
