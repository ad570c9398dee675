// pthread_cond_*: all seven or none, since a mix of symbol versions breaks other tools. A wait gives its
// mutex up and takes it back inside libc, where no hook sees it: that is modelled here. A cnd_t is a
// pthread_cond_t in another type.
#include <pthread.h>
#include <threads.h>

#include "libsync/record/acquire.h"
#include "libsync/record/blocking.h"
#include "libsync/record/condition_waits.h"
#include "libsync/record/errors.h"
#include "libsync/record/lifetimes.h"
#include "preload/cancel.h"
#include "preload/intercept.h"

using namespace gordian::record;

namespace {

pthread_mutex_t* MutexIn(mtx_t* mutex) { return reinterpret_cast<pthread_mutex_t*>(mutex); }
pthread_cond_t* ConditionIn(cnd_t* condition) { return reinterpret_cast<pthread_cond_t*>(condition); }

template <typename Call>
struct WaitCall {
  Call real;
  int result;
  ConditionWait record;
};

// EINVAL, EPERM, and all that C11 makes of them, are said before the mutex is given up.
AfterWait StateAfter(int result) {
  switch (result) {
    case EINVAL:
    case EPERM:
    case thrd_error:
      return AfterWait::kAsBefore;
    case ENOTRECOVERABLE:
      return AfterWait::kLost;
    default:
      return AfterWait::kHeld;
  }
}

// Cancelled: libc has taken the mutex back before it unwinds.
template <typename Call>
int Wait(const char* name, pthread_cond_t* condition, pthread_mutex_t* mutex, bool timed, const Site& site,
         Call real) {
  WaitCall<Call> call{real, 0, BeginConditionWait(condition, mutex, timed, site)};
  const Blocked blocked = BeginBlocking();  // by what is held beside the mutex
  gordian_call_cancellable(
      [](void* argument) -> void* {
        auto* c = static_cast<WaitCall<Call>*>(argument);
        c->result = c->real();
        return nullptr;
      },
      &call,
      [](void* argument) {
        EndConditionWait(static_cast<WaitCall<Call>*>(argument)->record, AfterWait::kHeld);
      },
      &call);
  EndBlocking(blocked, name, call.record.reacquire.stack, site);
  EndConditionWait(call.record, StateAfter(call.result));
  return Noted(call.result, name, timed ? Blocking::kTimed : Blocking::kForever, condition, site);
}

template <typename Call>
int Init(const char* name, pthread_cond_t* condition, const Site& site, Call real) {
  const int result = real();
  if (result == 0) {
    AfterInit(FactsOf(condition), site);
  }
  return Noted(result, name, Blocking::kForever, condition, site);
}

template <typename Call>
int Destroy(const char* name, pthread_cond_t* condition, const Site& site, Call real) {
  const Doomed doomed = BeforeDestroy(condition, site);
  const int result = real();
  AfterDestroy(doomed, result == 0);
  return Noted(result, name, Blocking::kForever, condition, site);
}

}  // namespace

INTERCEPT(int, pthread_cond_wait, pthread_cond_t* condition, pthread_mutex_t* mutex) {
  return Wait("pthread_cond_wait", condition, mutex, false, CALL_SITE(),
              [=] { return REAL(pthread_cond_wait)(condition, mutex); });
}

INTERCEPT(int, pthread_cond_timedwait, pthread_cond_t* condition, pthread_mutex_t* mutex,
          const timespec* deadline) {
  return Wait("pthread_cond_timedwait", condition, mutex, true, CALL_SITE(),
              [=] { return REAL(pthread_cond_timedwait)(condition, mutex, deadline); });
}

// std::condition_variable::wait_for ends up here.
INTERCEPT(int, pthread_cond_clockwait, pthread_cond_t* condition, pthread_mutex_t* mutex, clockid_t clock,
          const timespec* deadline) {
  if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC) {
    // libc refuses that before it looks at the objects, which then may be anything.
    return REAL(pthread_cond_clockwait)(condition, mutex, clock, deadline);
  }
  return Wait("pthread_cond_clockwait", condition, mutex, true, CALL_SITE(),
              [=] { return REAL(pthread_cond_clockwait)(condition, mutex, clock, deadline); });
}

// Counted before the real call: a waiter that it wakes must not look forgotten to a destroy right after.
INTERCEPT(int, pthread_cond_signal, pthread_cond_t* condition) {
  RecordSignal(condition, CALL_SITE());
  return REAL(pthread_cond_signal)(condition);
}

INTERCEPT(int, pthread_cond_broadcast, pthread_cond_t* condition) {
  RecordSignal(condition, CALL_SITE());
  return REAL(pthread_cond_broadcast)(condition);
}

INTERCEPT(int, pthread_cond_init, pthread_cond_t* condition, const pthread_condattr_t* attributes) {
  return Init("pthread_cond_init", condition, CALL_SITE(),
              [=] { return REAL(pthread_cond_init)(condition, attributes); });
}

INTERCEPT(int, pthread_cond_destroy, pthread_cond_t* condition) {
  return Destroy("pthread_cond_destroy", condition, CALL_SITE(),
                 [=] { return REAL(pthread_cond_destroy)(condition); });
}

INTERCEPT(int, cnd_wait, cnd_t* condition, mtx_t* mutex) {
  return Wait("cnd_wait", ConditionIn(condition), MutexIn(mutex), false, CALL_SITE(),
              [=] { return REAL(cnd_wait)(condition, mutex); });
}

INTERCEPT(int, cnd_timedwait, cnd_t* condition, mtx_t* mutex, const timespec* deadline) {
  return Wait("cnd_timedwait", ConditionIn(condition), MutexIn(mutex), true, CALL_SITE(),
              [=] { return REAL(cnd_timedwait)(condition, mutex, deadline); });
}

INTERCEPT(int, cnd_signal, cnd_t* condition) {
  RecordSignal(ConditionIn(condition), CALL_SITE());
  return REAL(cnd_signal)(condition);
}

INTERCEPT(int, cnd_broadcast, cnd_t* condition) {
  RecordSignal(ConditionIn(condition), CALL_SITE());
  return REAL(cnd_broadcast)(condition);
}

INTERCEPT(int, cnd_init, cnd_t* condition) {
  return Init("cnd_init", ConditionIn(condition), CALL_SITE(), [=] { return REAL(cnd_init)(condition); });
}

INTERCEPT(void, cnd_destroy, cnd_t* condition) {
  Destroy("cnd_destroy", ConditionIn(condition), CALL_SITE(), [=] {
    REAL(cnd_destroy)(condition);
    return 0;
  });
}
