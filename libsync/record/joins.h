// Joining and detaching threads: who waits for whose end, what that orders, and what may be done only once.
//
// A pthread_t that was joined may belong to another thread by now, and libc may read freed memory when it
// does not: what our records say of it is noted before the real call, what the call answers decides. A
// pthread_t is never looked into.
#ifndef GORDIAN_LIBSYNC_RECORD_JOINS_H_
#define GORDIAN_LIBSYNC_RECORD_JOINS_H_

#include <pthread.h>

#include "libsync/record/acquire.h"
#include "libsync/record/blocking.h"
#include "libsync/record/stack.h"
#include "libsync/record/thread.h"
#include "libsync/trace/layout.h"

namespace gordian::record {

// A join or detach between its beginning and its end.
struct ThreadCall {
  Thread* thread;  // null: unrecorded
  trace::Ref other;
  trace::Ref stack;
  trace::EventRecord* misuse;  // noted already; taken back if the call works
  bool detaches;
  Blocking blocking;
  Blocked blocked;
};
ThreadCall BeginJoin(pthread_t pthread, Blocking blocking, const Site& site);
ThreadCall BeginDetach(pthread_t pthread, const Site& site);
// `result` is what the call `name` returned. Returns it.
int EndThreadCall(const ThreadCall& call, int result, const char* name, const Site& site);

// The thread is going to be cancelled or sent a signal: `misuse` is recorded if it was joined before.
void CheckNotJoined(pthread_t pthread, trace::JoinMisuse misuse, const Site& site);

}  // namespace gordian::record

#endif  // GORDIAN_LIBSYNC_RECORD_JOINS_H_
