// pthread_cond_*: all seven or none, since a mix of symbol versions breaks other tools. A wait gives its
// mutex up and takes it back inside libc, where no hook sees it: that is modelled here.
#include <pthread.h>

#include "libsync/record/acquire.h"
#include "libsync/record/lifetimes.h"
#include "preload/cancel.h"
#include "preload/intercept.h"

using namespace gordian::record;

namespace {

struct WaitCall {
  pthread_cond_t* condition;
  pthread_mutex_t* mutex;
  clockid_t clock;
  const timespec* deadline;
  int result;
  ConditionWait record;
};

// Cancelled: libc has taken the mutex back before it unwinds.
void OnCancel(void* argument) { EndConditionWait(static_cast<WaitCall*>(argument)->record, true); }

int Finish(WaitCall* call, void* (*real)(void*)) {
  gordian_call_cancellable(real, call, OnCancel, call);
  EndConditionWait(call->record, call->result != EINVAL && call->result != EPERM);
  return call->result;
}

}  // namespace

INTERCEPT(int, pthread_cond_wait, pthread_cond_t* condition, pthread_mutex_t* mutex) {
  WaitCall call{condition, mutex, 0, nullptr, 0, BeginConditionWait(condition, mutex, false, CALL_SITE())};
  return Finish(&call, [](void* argument) -> void* {
    auto* c = static_cast<WaitCall*>(argument);
    c->result = REAL(pthread_cond_wait)(c->condition, c->mutex);
    return nullptr;
  });
}

INTERCEPT(int, pthread_cond_timedwait, pthread_cond_t* condition, pthread_mutex_t* mutex,
          const timespec* deadline) {
  WaitCall call{condition, mutex, 0, deadline, 0, BeginConditionWait(condition, mutex, true, CALL_SITE())};
  return Finish(&call, [](void* argument) -> void* {
    auto* c = static_cast<WaitCall*>(argument);
    c->result = REAL(pthread_cond_timedwait)(c->condition, c->mutex, c->deadline);
    return nullptr;
  });
}

// std::condition_variable::wait_for ends up here.
INTERCEPT(int, pthread_cond_clockwait, pthread_cond_t* condition, pthread_mutex_t* mutex, clockid_t clock,
          const timespec* deadline) {
  WaitCall call{condition, mutex, clock,
                deadline,  0,     BeginConditionWait(condition, mutex, true, CALL_SITE())};
  return Finish(&call, [](void* argument) -> void* {
    auto* c = static_cast<WaitCall*>(argument);
    c->result = REAL(pthread_cond_clockwait)(c->condition, c->mutex, c->clock, c->deadline);
    return nullptr;
  });
}

// Counted before the real call: a waiter that it wakes must not look forgotten to a destroy right after.
INTERCEPT(int, pthread_cond_signal, pthread_cond_t* condition) {
  RecordSignal(condition);
  return REAL(pthread_cond_signal)(condition);
}

INTERCEPT(int, pthread_cond_broadcast, pthread_cond_t* condition) {
  RecordSignal(condition);
  return REAL(pthread_cond_broadcast)(condition);
}

INTERCEPT(int, pthread_cond_init, pthread_cond_t* condition, const pthread_condattr_t* attributes) {
  const int result = REAL(pthread_cond_init)(condition, attributes);
  if (result == 0) {
    AfterInit(FactsOf(condition), CALL_SITE());
  }
  return result;
}

INTERCEPT(int, pthread_cond_destroy, pthread_cond_t* condition) {
  const Doomed doomed = BeforeDestroy(condition, CALL_SITE());
  const int result = REAL(pthread_cond_destroy)(condition);
  AfterDestroy(doomed, result == 0);
  return result;
}
