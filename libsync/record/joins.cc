#include "libsync/record/joins.h"

#include <threads.h>

#include <cstring>

#include "libsync/record/errors.h"
#include "libsync/record/events.h"
#include "libsync/record/plan.h"
#include "libsync/record/waits.h"

namespace gordian::record {
namespace {

using trace::JoinMisuse;

// What is wrong with joining or detaching the thread once more, as far as its record tells; kUnknown:
// nothing.
JoinMisuse MisuseOf(const trace::ThreadRecord* other, bool detaches) {
  const uint32_t flags = __atomic_load_n(&other->flags, __ATOMIC_ACQUIRE);
  if ((flags & trace::kJoined) != 0) {
    return detaches ? JoinMisuse::kDetachOfJoined : JoinMisuse::kJoinedTwice;
  }
  if ((flags & trace::kDetached) != 0) {
    return detaches ? JoinMisuse::kDetachedTwice : JoinMisuse::kJoinOfDetached;
  }
  return JoinMisuse::kUnknown;
}

// A thread that joins the same one at this moment.
const Thread* FindJoiner(trace::Ref joinee, const Thread* except) {
  const Thread* joiner = nullptr;
  ForEachThread([&](const Thread* thread) {
    const trace::SlotRecord* slot = thread->own_slot;
    const auto kind = static_cast<trace::WaitKind>(__atomic_load_n(&slot->wait_kind, __ATOMIC_RELAXED));
    if (thread != except && kind == trace::WaitKind::kJoin && slot->wait_object == joinee) {
      joiner = thread;
    }
  });
  return joiner;
}

trace::EventRecord* Record(const ThreadCall& call, JoinMisuse misuse, trace::Ref first_stack, int error) {
  return RecordEvent(call.thread, {.kind = trace::EventKind::kJoinMisuse,
                                   .other = call.other,
                                   .value = static_cast<int64_t>(misuse),
                                   .stack = call.stack,
                                   .other_stack = first_stack,
                                   .error = error});
}

// REQUIRES: inside the recorder.
ThreadCall Begin(Thread* thread, pthread_t pthread, bool detaches, Blocking blocking, const Site& site) {
  ThreadCall call{thread,   FindThread(pthread), StackOf(thread, site), nullptr, detaches,
                  blocking, BeginBlocking()};
  if (call.other == 0) {
    return call;
  }
  const auto* other = g_trace.At<trace::ThreadRecord>(call.other);
  const JoinMisuse misuse = MisuseOf(other, detaches);
  if (misuse != JoinMisuse::kUnknown) {
    call.misuse = Record(call, misuse, other->join_stack, 0);
  } else if (blocking != Blocking::kTry) {
    // libc does not notice, and both will free the thread.
    if (const Thread* joiner = FindJoiner(call.other, thread); joiner != nullptr) {
      Record(call, JoinMisuse::kJoinedAtOnce, joiner->own_slot->wait_stack, 0);
    }
  }
  return call;
}

// The answer for a thread that cannot be joined or detached. C11 says the same of a thread that joins itself.
bool IsRefusal(const ThreadCall& call, int result, const char* name) {
  if (strncmp(name, "thrd_", 5) == 0) {
    return result == thrd_error && (call.detaches || call.other != call.thread->ref);
  }
  return result == EINVAL || result == ESRCH;
}

// The call failed as it does for a thread that cannot be joined or detached, and nothing told so before.
// False: the error means something else.
bool RecordRefusal(const ThreadCall& call, int error) {
  const trace::ThreadRecord* other = call.other == 0 ? nullptr : g_trace.At<trace::ThreadRecord>(call.other);
  // Another thread may have been faster.
  const JoinMisuse misuse = other == nullptr ? JoinMisuse::kUnknown : MisuseOf(other, call.detaches);
  if (misuse == JoinMisuse::kUnknown && call.blocking == Blocking::kTimed && error == EINVAL) {
    return false;  // the deadline may be what is wrong
  }
  Record(call, misuse, misuse == JoinMisuse::kUnknown ? 0 : other->join_stack, error);
  return true;
}

}  // namespace

ThreadCall BeginJoin(pthread_t pthread, Blocking blocking, const Site& site) {
  Entry entry;
  if (!entry) {
    return ThreadCall{};
  }
  const ThreadCall call = Begin(entry.thread(), pthread, false, blocking, site);
  if (blocking == Blocking::kForever) {
    RecordAwaitedEnd(entry.thread(), call.other, trace::kAwaitsThread, call.stack);
    if (g_plan != nullptr && call.other != 0) {
      BeforeJoin(entry.thread(), call.other, call.stack);
    }
  }
  BeginWait(&entry, trace::WaitKind::kJoin, call.other, 0, blocking != Blocking::kForever, call.stack);
  return call;
}

ThreadCall BeginDetach(pthread_t pthread, const Site& site) {
  const Entry entry(Entry::Open::kOnlyIfOpen);
  return entry ? Begin(entry.thread(), pthread, true, Blocking::kTry, site) : ThreadCall{};
}

int EndThreadCall(const ThreadCall& call, int result, const char* name, const Site& site) {
  if (call.thread == nullptr) {
    return result;
  }
  if (!call.detaches) {
    EndWait(call.thread);
    EndBlocking(call.blocked, name, call.stack, site);
  }
  bool told = false;
  {
    const Entry entry(Entry::Open::kOnlyIfOpen);
    if (!entry || entry.thread() != call.thread) {
      return result;
    }
    const bool refused = IsRefusal(call, result, name);
    if (call.misuse != nullptr && refused) {
      call.misuse->error = static_cast<uint32_t>(result);
      told = true;
    } else if (call.misuse != nullptr) {
      g_trace.Withdraw(call.misuse);  // the pthread_t is that of a thread that we do not know
    } else if (refused) {
      told = RecordRefusal(call, result);
    }
    if (result == 0 && call.other != 0) {
      g_trace.At<trace::ThreadRecord>(call.other)->join_stack = call.stack;
      if (call.detaches) {
        SetThreadFlag(call.other, trace::kDetached);
      } else {
        RecordJoin(call.thread, call.other);
      }
    }
  }
  if (result != 0 && !told) {
    RecordResult(result, name, call.blocking, nullptr, site);
  }
  return result;
}

void CheckNotJoined(pthread_t pthread, JoinMisuse misuse, const Site& site) {
  const Entry entry(Entry::Open::kOnlyIfOpen);
  const trace::Ref thread = entry ? FindThread(pthread) : 0;
  if (thread == 0) {
    return;
  }
  const auto* record = g_trace.At<trace::ThreadRecord>(thread);
  if ((__atomic_load_n(&record->flags, __ATOMIC_ACQUIRE) & trace::kJoined) != 0) {
    RecordEvent(entry.thread(), {.kind = trace::EventKind::kJoinMisuse,
                                 .other = thread,
                                 .value = static_cast<int64_t>(misuse),
                                 .stack = StackOf(entry.thread(), site),
                                 .other_stack = record->join_stack});
  }
}

}  // namespace gordian::record
