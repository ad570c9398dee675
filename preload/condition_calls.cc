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
#include "preload/mutex_calls.h"

using namespace gordian::preload;
using namespace gordian::record;

namespace {

pthread_mutex_t* MutexIn(mtx_t* mutex) { return reinterpret_cast<pthread_mutex_t*>(mutex); }
pthread_cond_t* ConditionIn(cnd_t* condition) { return reinterpret_cast<pthread_cond_t*>(condition); }

template <typename Call>
struct WaitCall {
  Call real;
  pthread_mutex_t* mutex;
  int result;
  ConditionWait record;
  bool apart;  // the mutex is given up and taken back here, not in libc
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

// Between giving up the mutex and waiting no signal may come, if the two are not one call: who waits so, and
// who signals meanwhile, do that one after the other. Held for moments, and for longer in a fork child only,
// from a thread that is not there: there nobody asks for it any more.
class Turnstile {
 public:
  bool Enter() {
    timespec end{};
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += 2;
    if (!__atomic_load_n(&is_broken_, __ATOMIC_RELAXED) && RealMutexTimedLock(&mutex_, &end) == 0) {
      return true;
    }
    __atomic_store_n(&is_broken_, true, __ATOMIC_RELAXED);
    return false;
  }
  // By whoever is inside; anybody else changes nothing.
  void Leave() { RealMutexUnlock(&mutex_); }
  pthread_mutex_t* mutex() { return &mutex_; }

  void BeginWait() { __atomic_add_fetch(&waiting_, 1, __ATOMIC_SEQ_CST); }
  void EndWait() { __atomic_sub_fetch(&waiting_, 1, __ATOMIC_SEQ_CST); }
  void BeforeSignal() {
    if (__atomic_load_n(&waiting_, __ATOMIC_SEQ_CST) != 0 && Enter()) {
      Leave();
    }
  }

 private:
  pthread_mutex_t mutex_ = PTHREAD_ERRORCHECK_MUTEX_INITIALIZER_NP;
  uint32_t waiting_ = 0;
  bool is_broken_ = false;
};

constinit Turnstile g_turnstile;

template <typename Call>
void TakeBack(WaitCall<Call>* call) {
  g_turnstile.Leave();
  g_turnstile.EndWait();
  call->apart = false;
}

// As libc does it, but for a pause between waking up and taking the mutex back.
template <typename Call>
int WaitApart(WaitCall<Call>* call) {
  g_turnstile.BeginWait();
  if (!g_turnstile.Enter()) {
    g_turnstile.EndWait();
    return call->real(call->mutex);
  }
  if (RealMutexUnlock(call->mutex) != 0) {
    TakeBack(call);
    return call->real(call->mutex);  // says the same
  }
  call->apart = true;
  const int result = call->real(g_turnstile.mutex());
  TakeBack(call);
  BeginReacquire(call->record);
  const int error = RealMutexLock(call->mutex);
  return error != 0 ? error : result;
}

// Cancelled: libc has taken the mutex back before it unwinds.
template <typename Call>
int Wait(const char* name, pthread_cond_t* condition, pthread_mutex_t* mutex, bool timed, const Site& site,
         Call real) {
  WaitCall<Call> call{real, mutex, 0, BeginConditionWait(condition, mutex, timed, site), false};
  const Blocked blocked = BeginBlocking();  // by what is held beside the mutex
  gordian_call_cancellable(
      [](void* argument) -> void* {
        auto* c = static_cast<WaitCall<Call>*>(argument);
        c->result = c->record.may_pause ? WaitApart(c) : c->real(c->mutex);
        return nullptr;
      },
      &call,
      [](void* argument) {
        auto* c = static_cast<WaitCall<Call>*>(argument);
        if (c->apart) {
          TakeBack(c);
          RealMutexLock(c->mutex);
        }
        EndConditionWait(c->record, AfterWait::kHeld);
      },
      &call);
  EndBlocking(blocked, name, call.record.reacquire.stack, site);
  EndConditionWait(call.record, StateAfter(call.result));
  return Noted(call.result, name, timed ? Blocking::kTimed : Blocking::kForever, condition, site);
}

// Counted before the real call: a waiter that it wakes must not look forgotten to a destroy right after.
void BeforeSignal(pthread_cond_t* condition, const Site& site) {
  RecordSignal(condition, site);
  g_turnstile.BeforeSignal();
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
              [=](pthread_mutex_t* given) { return REAL(pthread_cond_wait)(condition, given); });
}

INTERCEPT(int, pthread_cond_timedwait, pthread_cond_t* condition, pthread_mutex_t* mutex,
          const timespec* deadline) {
  return Wait("pthread_cond_timedwait", condition, mutex, true, CALL_SITE(), [=](pthread_mutex_t* given) {
    return REAL(pthread_cond_timedwait)(condition, given, deadline);
  });
}

// std::condition_variable::wait_for ends up here.
INTERCEPT(int, pthread_cond_clockwait, pthread_cond_t* condition, pthread_mutex_t* mutex, clockid_t clock,
          const timespec* deadline) {
  if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC) {
    // libc refuses that before it looks at the objects, which then may be anything.
    return REAL(pthread_cond_clockwait)(condition, mutex, clock, deadline);
  }
  return Wait("pthread_cond_clockwait", condition, mutex, true, CALL_SITE(), [=](pthread_mutex_t* given) {
    return REAL(pthread_cond_clockwait)(condition, given, clock, deadline);
  });
}

INTERCEPT(int, pthread_cond_signal, pthread_cond_t* condition) {
  BeforeSignal(condition, CALL_SITE());
  return REAL(pthread_cond_signal)(condition);
}

INTERCEPT(int, pthread_cond_broadcast, pthread_cond_t* condition) {
  BeforeSignal(condition, CALL_SITE());
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
  return Wait(
      "cnd_wait", ConditionIn(condition), MutexIn(mutex), false, CALL_SITE(),
      [=](pthread_mutex_t* given) { return REAL(cnd_wait)(condition, reinterpret_cast<mtx_t*>(given)); });
}

INTERCEPT(int, cnd_timedwait, cnd_t* condition, mtx_t* mutex, const timespec* deadline) {
  return Wait("cnd_timedwait", ConditionIn(condition), MutexIn(mutex), true, CALL_SITE(),
              [=](pthread_mutex_t* given) {
                return REAL(cnd_timedwait)(condition, reinterpret_cast<mtx_t*>(given), deadline);
              });
}

INTERCEPT(int, cnd_signal, cnd_t* condition) {
  BeforeSignal(ConditionIn(condition), CALL_SITE());
  return REAL(cnd_signal)(condition);
}

INTERCEPT(int, cnd_broadcast, cnd_t* condition) {
  BeforeSignal(ConditionIn(condition), CALL_SITE());
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
