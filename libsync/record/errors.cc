#include "libsync/record/errors.h"

#include <threads.h>

#include <cstring>

#include "libsync/record/events.h"
#include "libsync/record/hand_overs.h"
#include "libsync/record/thread.h"

namespace gordian::record {
namespace {

// C11's calls have their own small set of answers.
bool IsC11(const char* call) {
  return strncmp(call, "mtx_", 4) == 0 || strncmp(call, "cnd_", 4) == 0 || strncmp(call, "thrd_", 5) == 0;
}

bool IsNormal(int error, Blocking blocking) {
  switch (error) {
    case 0:
    case EINTR:
    case EOWNERDEAD:
      return true;
    case EBUSY:
    case EAGAIN:
      return IsTry(blocking);
    case ETIMEDOUT:
      return blocking == Blocking::kTimed;
    default:
      return false;
  }
}

}  // namespace

void RecordResult(int result, const char* call, Blocking blocking, const ObjectFacts* object,
                  const Site& site) {
  const int error = result == -1 ? errno : result;
  if (result == EOWNERDEAD) {
    const Entry entry(Entry::Open::kOnlyIfOpen);
    if (entry) {
      NoteOrder(entry.thread());  // it knows now that the owner has ended
    }
  }
  if (IsC11(call) ? result == thrd_busy || result == thrd_timedout : IsNormal(error, blocking)) {
    return;
  }
  const Entry entry(Entry::Open::kOnlyIfOpen);
  if (entry) {
    RecordEvent(entry.thread(), {.kind = trace::EventKind::kApiError,
                                 .object = object == nullptr ? 0 : FindLock(*object),
                                 .stack = StackOf(entry.thread(), site),
                                 .error = error,
                                 .text = call});
  }
}

}  // namespace gordian::record
