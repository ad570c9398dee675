// Threads: who creates, ends, joins, detaches and cancels whom. Creation and joins order what threads do.
#include <pthread.h>

#include "libsync/record/acquire.h"
#include "libsync/record/thread.h"
#include "preload/cancel.h"
#include "preload/intercept.h"

using namespace gordian::record;

namespace {

struct Start {
  void* (*routine)(void*);
  void* argument;
  NewThread created;
  size_t stack_bytes;
};

void OnEarlyEnd(void*) { FinishThread(true); }

// Every thread begins here. A frame of ours stays below the program's, so that the end of the start routine is
// seen however it comes about: return, pthread_exit or cancellation.
void* Trampoline(void* raw) {
  const Start start = *static_cast<Start*>(raw);
  if (IsReady()) {
    g_image->arena.Free(raw, sizeof(Start));
  }
  BeginThread(start.created, start.stack_bytes);
  void* result = gordian_call_cancellable(start.routine, start.argument, OnEarlyEnd, nullptr);
  FinishThread(false);
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
  return attributes != nullptr && pthread_attr_getdetachstate(attributes, &state) == 0 && state == PTHREAD_CREATE_DETACHED;
}

Start* AnnounceThread(const pthread_attr_t* attributes, void* (*routine)(void*), void* argument, const Site& site) {
  const Entry entry;
  if (!entry) {
    return nullptr;
  }
  auto* start = static_cast<Start*>(g_image->arena.Allocate(sizeof(Start)));
  if (start == nullptr) {
    return nullptr;
  }
  *start = Start{routine, argument, RecordThreadCreate(entry.thread(), site, IsDetached(attributes)), StackBytes(attributes)};
  NextSegment(entry.thread());
  return start;
}

void AfterCreate(const NewThread& created, pthread_t pthread, bool made) {
  const Entry entry(Entry::Open::kOnlyIfOpen);
  if (!entry || created.record == nullptr) {
    return;
  }
  if (!made) {
    g_trace.Withdraw(created.record);
  } else if ((__atomic_load_n(&created.record->flags, __ATOMIC_RELAXED) & gordian::trace::kDetached) == 0) {
    NameThread(created, pthread);  // a detached thread may be gone by now, and its pthread_t another's
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
  const NewThread created = start->created;  // the new thread frees what `start` points to
  const int result = REAL(pthread_create)(pthread, attributes, Trampoline, start);
  AfterCreate(created, *pthread, result == 0);
  if (result != 0 && IsReady()) {
    g_image->arena.Free(start, sizeof(Start));
  }
  return result;
}

INTERCEPT(void, pthread_exit, void* result) {
  // The main thread has no trampoline below it.
  if (IsReady() && t_thread->record != nullptr && (t_thread->record->flags & gordian::trace::kMainThread) != 0) {
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

INTERCEPT(int, pthread_clockjoin_np, pthread_t pthread, void** result, clockid_t clock, const timespec* deadline) {
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
