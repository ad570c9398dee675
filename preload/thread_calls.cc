// Threads: who creates, ends, joins, detaches and cancels whom. Creation and joins order what threads do.
#include <pthread.h>

#include "libsync/record/acquire.h"
#include "libsync/record/spin_lock.h"
#include "libsync/record/thread.h"
#include "preload/cancel.h"
#include "preload/intercept.h"

using namespace gordian::record;

namespace {

// What a creator gives to its thread. Both use it; the last one frees it.
struct Start {
  SpinLock lock;
  bool begun;  // the thread has told its own name and may do anything, also unmap its creator's pthread_t
  int users;
  void* (*routine)(void*);
  void* argument;
  NewThread created;
  size_t stack_bytes;
};

void LetGo(Start* start) {
  // Inside the recorder: a signal handler on this thread must not meet a lock of the arena.
  const Entry entry(Entry::Open::kOnlyIfOpen);
  if (__atomic_sub_fetch(&start->users, 1, __ATOMIC_ACQ_REL) == 0 && entry) {
    g_image->arena.Free(start, sizeof(Start));
  }
}

void OnEarlyEnd(void*) { FinishThread(true); }

// The start routine may have left cancellation asynchronous: it must not hit the recorder.
void OnReturn() {
  int state = PTHREAD_CANCEL_ENABLE;
  pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
  FinishThread(false);
  pthread_setcancelstate(state, nullptr);
}

// Every thread begins here. A frame of ours stays below the program's, so that the end of the start routine
// is seen however it comes about: return, pthread_exit or cancellation.
void* Trampoline(void* raw) {
  auto* start = static_cast<Start*>(raw);
  void* (*const routine)(void*) = start->routine;
  void* const argument = start->argument;
  BeginThread(start->created, start->stack_bytes);
  start->lock.lock();
  start->begun = true;
  start->lock.unlock();
  LetGo(start);
  void* result = gordian_call_cancellable(routine, argument, OnEarlyEnd, nullptr);
  OnReturn();
  return result;
}

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

Start* AnnounceThread(const pthread_attr_t* attributes, void* (*routine)(void*), void* argument,
                      const Site& site) {
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
  start->argument = argument;
  start->created = RecordThreadCreate(entry.thread(), site, IsDetached(attributes));
  start->stack_bytes = StackBytes(attributes);
  NextSegment(entry.thread());
  return start;
}

void AfterCreate(Start* start, const pthread_t* pthread) {
  {
    const Entry entry(Entry::Open::kOnlyIfOpen);
    const SpinGuard guard(&start->lock);
    if (entry && !start->begun) {
      NameThread(start->created, *pthread);
    }
  }
  LetGo(start);
}

void AfterFailedCreate(Start* start) {
  const Entry entry(Entry::Open::kOnlyIfOpen);
  if (entry) {
    if (start->created.record != nullptr) {
      g_trace.Withdraw(start->created.record);
    }
    g_image->arena.Free(start, sizeof(Start));
  }
}

void MarkThread(gordian::trace::Ref thread, gordian::trace::ThreadFlags flag) {
  const Entry entry(Entry::Open::kOnlyIfOpen);
  if (entry) {
    SetThreadFlag(thread, flag);
  }
}

struct Join {
  Thread* thread;
  gordian::trace::Ref joinee;
};

Join BeginJoin(pthread_t pthread, bool timed, const Site& site) {
  Entry entry;
  if (!entry) {
    return Join{};
  }
  const gordian::trace::Ref joinee = FindThread(pthread);
  BeginWait(&entry, gordian::trace::WaitKind::kJoin, joinee, 0, timed, StackOf(entry.thread(), site));
  return Join{entry.thread(), joinee};
}

void EndJoin(const Join& join, bool joined) {
  EndWait(join.thread);
  if (join.thread == nullptr || !joined || join.joinee == 0) {
    return;
  }
  const Entry entry(Entry::Open::kOnlyIfOpen);
  if (entry) {
    RecordJoin(entry.thread(), join.joinee);
  }
}

}  // namespace

INTERCEPT(int, pthread_create, pthread_t* pthread, const pthread_attr_t* attributes, void* (*routine)(void*),
          void* argument) {
  Start* start = AnnounceThread(attributes, routine, argument, CALL_SITE());
  if (start == nullptr) {
    return REAL(pthread_create)(pthread, attributes, routine, argument);
  }
  const int result = REAL(pthread_create)(pthread, attributes, Trampoline, start);
  if (result == 0) {
    AfterCreate(start, pthread);
  } else {
    AfterFailedCreate(start);
  }
  return result;
}

INTERCEPT(void, pthread_exit, void* result) {
  // The main thread has no trampoline below it.
  if (IsReady() && t_thread->record != nullptr &&
      (t_thread->record->flags & gordian::trace::kMainThread) != 0) {
    FinishThread(true);
  }
  REAL(pthread_exit)(result);
  __builtin_unreachable();
}

INTERCEPT(int, pthread_join, pthread_t pthread, void** result) {
  const Join join = BeginJoin(pthread, false, CALL_SITE());
  const int error = REAL(pthread_join)(pthread, result);
  EndJoin(join, error == 0);
  return error;
}

INTERCEPT(int, pthread_tryjoin_np, pthread_t pthread, void** result) {
  const Join join = BeginJoin(pthread, true, CALL_SITE());
  const int error = REAL(pthread_tryjoin_np)(pthread, result);
  EndJoin(join, error == 0);
  return error;
}

INTERCEPT(int, pthread_timedjoin_np, pthread_t pthread, void** result, const timespec* deadline) {
  const Join join = BeginJoin(pthread, deadline != nullptr, CALL_SITE());
  const int error = REAL(pthread_timedjoin_np)(pthread, result, deadline);
  EndJoin(join, error == 0);
  return error;
}

INTERCEPT(int, pthread_clockjoin_np, pthread_t pthread, void** result, clockid_t clock,
          const timespec* deadline) {
  const Join join = BeginJoin(pthread, deadline != nullptr, CALL_SITE());
  const int error = REAL(pthread_clockjoin_np)(pthread, result, clock, deadline);
  EndJoin(join, error == 0);
  return error;
}

INTERCEPT(int, pthread_detach, pthread_t pthread) {
  gordian::trace::Ref thread = 0;
  {
    const Entry entry(Entry::Open::kOnlyIfOpen);
    thread = entry ? FindThread(pthread) : 0;
  }
  const int error = REAL(pthread_detach)(pthread);
  if (error == 0) {
    MarkThread(thread, gordian::trace::kDetached);
  }
  return error;
}

INTERCEPT(int, pthread_cancel, pthread_t pthread) {
  {
    const Entry entry(Entry::Open::kOnlyIfOpen);
    SetThreadFlag(entry ? FindThread(pthread) : 0, gordian::trace::kCancelled);
  }
  return REAL(pthread_cancel)(pthread);
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
