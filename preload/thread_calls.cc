// Threads: who creates, ends, joins, detaches and cancels whom. Creation and joins order what threads do. A
// thrd_t is a pthread_t, and C11's calls go past the hooks of the pthread_* calls.
#include "preload/thread_calls.h"

#include <dlfcn.h>
#include <pthread.h>
#include <threads.h>

#include <cstdint>

#include "libsync/record/joins.h"
#include "libsync/record/libc_facts.h"
#include "libsync/record/spin_lock.h"
#include "libsync/record/thread.h"
#include "preload/cancel.h"
#include "preload/intercept.h"

using namespace gordian::record;

namespace {

// The start routine of a thread, POSIX's or C11's.
struct Routine {
  void* (*posix)(void*);
  thrd_start_t c11;  // null unless it is C11's
  void* argument;
};

// What a creator gives to its thread. Both use it; the last one frees it.
struct Start {
  AnnouncedThread announced;
  SpinLock lock;
  bool begun;  // the thread has told its own name and may do anything, also unmap its creator's pthread_t
  int users;
  Routine routine;
};

void LetGo(Start* start) {
  // Inside the recorder: a signal handler on this thread must not meet a lock of the arena.
  const Entry entry(Entry::Open::kOnlyIfOpen);
  if (__atomic_sub_fetch(&start->users, 1, __ATOMIC_ACQ_REL) == 0 && entry) {
    g_image->arena.Free(start, sizeof(Start));
  }
}

void OnEarlyEnd(void*) {
  LeaveByCancellation();
  FinishThread(true);
}

// The start routine may have left cancellation asynchronous: it must not hit the recorder.
void OnReturn() {
  int state = PTHREAD_CANCEL_ENABLE;
  pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
  FinishThread(false);
  pthread_setcancelstate(state, nullptr);
}

void* RunC11(void* raw) {
  const auto* routine = static_cast<const Routine*>(raw);
  return reinterpret_cast<void*>(static_cast<intptr_t>(routine->c11(routine->argument)));
}

// Every thread begins here. A frame of ours stays below the program's, so that the end of the start routine
// is seen however it comes about: return, pthread_exit or cancellation.
void* Trampoline(void* raw) {
  auto* start = static_cast<Start*>(raw);
  Routine routine = start->routine;
  BeginThread(start->announced);
  start->lock.lock();
  start->begun = true;
  start->lock.unlock();
  LetGo(start);
  void* result = routine.c11 == nullptr
                     ? gordian_call_cancellable(routine.posix, routine.argument, OnEarlyEnd, nullptr)
                     : gordian_call_cancellable(RunC11, &routine, OnEarlyEnd, nullptr);
  OnReturn();
  return result;
}

int C11Trampoline(void* raw) { return static_cast<int>(reinterpret_cast<intptr_t>(Trampoline(raw))); }

size_t StackBytes(const pthread_attr_t* attributes) {
  size_t bytes = 0;
  if (attributes == nullptr || pthread_attr_getstacksize(attributes, &bytes) != 0 || bytes == 0) {
    bytes = g_config.default_stack_bytes;
  }
  return bytes;
}

bool IsDetached(const pthread_attr_t* attributes) {
  int state = PTHREAD_CREATE_JOINABLE;
  return attributes != nullptr && pthread_attr_getdetachstate(attributes, &state) == 0 &&
         state == PTHREAD_CREATE_DETACHED;
}

Start* AnnounceThread(const pthread_attr_t* attributes, const Routine& routine, const Site& site) {
  const Entry entry;
  if (!entry) {
    return nullptr;
  }
  auto* start = static_cast<Start*>(g_image->arena.Allocate(sizeof(Start)));
  if (start == nullptr) {
    return nullptr;
  }
  start->users = 2;
  start->routine = routine;
  start->announced =
      AnnouncedThread{&start->announced, RecordThreadCreate(entry.thread(), site, IsDetached(attributes)),
                      StackBytes(attributes)};
  NextEnforcedSegment(entry.thread());
  return start;
}

void AfterCreate(Start* start, const pthread_t* pthread) {
  {
    const Entry entry(Entry::Open::kOnlyIfOpen);
    const SpinGuard guard(&start->lock);
    if (entry && !start->begun) {
      NameThread(start->announced.created, *pthread);
    }
  }
  LetGo(start);
}

void AfterFailedCreate(Start* start) {
  const Entry entry(Entry::Open::kOnlyIfOpen);
  if (entry) {
    if (start->announced.created.record != nullptr) {
      g_trace.Withdraw(start->announced.created.record);
    }
    g_image->arena.Free(start, sizeof(Start));
  }
}

// `real` calls the real function with our trampoline in the place of the routine.
template <typename Real, typename Bare>
int Create(pthread_t* pthread, const pthread_attr_t* attributes, const Routine& routine, const Site& site,
           Real real, Bare bare) {
  Start* start = AnnounceThread(attributes, routine, site);
  if (start == nullptr) {
    return bare();
  }
  const int result = real(start);
  if (result == 0) {
    AfterCreate(start, pthread);
  } else {
    AfterFailedCreate(start);
  }
  return result;
}

// The main thread has no trampoline below it.
void BeforeExit() {
  if (IsReady() && t_thread->record != nullptr &&
      (t_thread->record->flags & gordian::trace::kMainThread) != 0) {
    FinishThread(true);
  }
}

// Without a deadline the timed joins wait for good.
Blocking BlockingUntil(const timespec* deadline) {
  return deadline == nullptr ? Blocking::kForever : Blocking::kTimed;
}

template <typename Real>
int JoinThread(const char* name, pthread_t pthread, Blocking blocking, const Site& site, Real real) {
  const ThreadCall call = BeginJoin(pthread, blocking, site);
  return EndThreadCall(call, real(), name, site);
}

template <typename Real>
int Detach(const char* name, pthread_t pthread, const Site& site, Real real) {
  const ThreadCall call = BeginDetach(pthread, site);
  return EndThreadCall(call, real(), name, site);
}

}  // namespace

INTERCEPT(int, pthread_create, pthread_t* pthread, const pthread_attr_t* attributes, void* (*routine)(void*),
          void* argument) {
  return Create(
      pthread, attributes, Routine{routine, nullptr, argument}, CALL_SITE(),
      [=](Start* start) { return REAL(pthread_create)(pthread, attributes, Trampoline, start); },
      [=] { return REAL(pthread_create)(pthread, attributes, routine, argument); });
}

INTERCEPT(int, thrd_create, thrd_t* thread, thrd_start_t routine, void* argument) {
  return Create(
      thread, nullptr, Routine{nullptr, routine, argument}, CALL_SITE(),
      [=](Start* start) { return REAL(thrd_create)(thread, C11Trampoline, start); },
      [=] { return REAL(thrd_create)(thread, routine, argument); });
}

INTERCEPT(void, pthread_exit, void* result) {
  BeforeExit();
  REAL(pthread_exit)(result);
  __builtin_unreachable();
}

INTERCEPT(void, thrd_exit, int result) {
  BeforeExit();
  REAL(thrd_exit)(result);
  __builtin_unreachable();
}

INTERCEPT(int, pthread_join, pthread_t pthread, void** result) {
  return JoinThread("pthread_join", pthread, Blocking::kForever, CALL_SITE(),
                    [=] { return REAL(pthread_join)(pthread, result); });
}

INTERCEPT(int, pthread_tryjoin_np, pthread_t pthread, void** result) {
  return JoinThread("pthread_tryjoin_np", pthread, Blocking::kTry, CALL_SITE(),
                    [=] { return REAL(pthread_tryjoin_np)(pthread, result); });
}

INTERCEPT(int, pthread_timedjoin_np, pthread_t pthread, void** result, const timespec* deadline) {
  return JoinThread("pthread_timedjoin_np", pthread, BlockingUntil(deadline), CALL_SITE(),
                    [=] { return REAL(pthread_timedjoin_np)(pthread, result, deadline); });
}

INTERCEPT(int, pthread_clockjoin_np, pthread_t pthread, void** result, clockid_t clock,
          const timespec* deadline) {
  return JoinThread("pthread_clockjoin_np", pthread, BlockingUntil(deadline), CALL_SITE(),
                    [=] { return REAL(pthread_clockjoin_np)(pthread, result, clock, deadline); });
}

INTERCEPT(int, thrd_join, thrd_t thread, int* result) {
  return JoinThread("thrd_join", thread, Blocking::kForever, CALL_SITE(),
                    [=] { return REAL(thrd_join)(thread, result); });
}

INTERCEPT(int, pthread_detach, pthread_t pthread) {
  return Detach("pthread_detach", pthread, CALL_SITE(), [=] { return REAL(pthread_detach)(pthread); });
}

INTERCEPT(int, thrd_detach, thrd_t thread) {
  return Detach("thrd_detach", thread, CALL_SITE(), [=] { return REAL(thrd_detach)(thread); });
}

INTERCEPT(int, pthread_cancel, pthread_t pthread) {
  CheckNotJoined(pthread, gordian::trace::JoinMisuse::kCancelOfJoined, CALL_SITE());
  {
    const Entry entry(Entry::Open::kOnlyIfOpen);
    SetThreadFlag(entry ? FindThread(pthread) : 0, gordian::trace::kCancelled);
  }
  __atomic_store_n(&gordian_any_cancelled, 1, __ATOMIC_RELAXED);
  return REAL(pthread_cancel)(pthread);
}

// By its name people know a thread, also one that hangs.
INTERCEPT(int, pthread_setname_np, pthread_t pthread, const char* name) {
  const int error = REAL(pthread_setname_np)(pthread, name);
  if (error == 0) {
    const Entry entry(Entry::Open::kOnlyIfOpen);
    SetThreadName(entry ? FindThread(pthread) : 0, name);
  }
  return error;
}

// The recorder must know how large a stack without attributes is.
INTERCEPT(int, pthread_setattr_default_np, const pthread_attr_t* attributes) {
  const int error = REAL(pthread_setattr_default_np)(attributes);
  size_t bytes = 0;
  if (error == 0 && pthread_attr_getstacksize(attributes, &bytes) == 0 && bytes != 0) {
    g_config.default_stack_bytes = bytes;
  }
  return error;
}

namespace gordian::preload {

void TellStartRoutines() {
  const auto* descriptor = static_cast<const uint32_t*>(dlsym(RTLD_DEFAULT, kThreadStartDescriptor));
  if (descriptor != nullptr) {
    KnowStartRoutines(descriptor[2], reinterpret_cast<const void*>(&Trampoline),
                      reinterpret_cast<const void*>(&C11Trampoline));
  }
}

}  // namespace gordian::preload
