// The ways out of a process image. exit() and a return from main are recorded by the shim's exit handler, the
// last that runs: until then the program is alive and may still hang. The others run nothing of ours later.
#include <stdlib.h>
#include <unistd.h>

#include "libsync/record/acquire.h"
#include "libsync/record/children.h"
#include "libsync/record/last_looks.h"
#include "libsync/record/lost_file_locks.h"
#include "preload/exit.h"
#include "preload/intercept.h"

using namespace gordian::record;
using gordian::trace::End;

namespace {

constinit gordian::trace::Ref g_exit_stack = 0;

void RecordLastCall(End end, int status, const Site& site) {
  if (t_vfork_depth != 0) {
    return;
  }
  MarkOwnChildRecord(gordian::trace::kChildExited);
  const Entry entry(Entry::Open::kOnlyIfOpen);
  if (entry) {
    NoteAllGivenBack(entry.thread());
    RecordEnd(end, static_cast<uint32_t>(status), entry->ref, StackOf(entry.thread(), site));
    gordian::preload::WaitForWatcher();
  }
}

}  // namespace

INTERCEPT(void, exit, int status) {
  if (t_vfork_depth == 0) {
    const Entry entry(Entry::Open::kOnlyIfOpen);
    if (entry) {
      g_exit_stack = StackOf(entry.thread(), CALL_SITE());
    }
  }
  REAL(exit)(status);
  __builtin_unreachable();
}

INTERCEPT(void, _exit, int status) {
  RecordLastCall(End::kRawExit, status, CALL_SITE());
  REAL(_exit)(status);
  __builtin_unreachable();
}

INTERCEPT(void, _Exit, int status) {
  RecordLastCall(End::kRawExit, status, CALL_SITE());
  REAL(_Exit)(status);
  __builtin_unreachable();
}

INTERCEPT(void, quick_exit, int status) {
  RecordLastCall(End::kQuickExit, status, CALL_SITE());
  REAL(quick_exit)(status);
  __builtin_unreachable();
}

INTERCEPT(void, abort, void) {
  RecordLastCall(End::kAbort, 0, CALL_SITE());
  REAL(abort)();
  __builtin_unreachable();
}

namespace gordian::preload {

void RecordOrderlyExit(int status) {
  MarkOwnChildRecord(trace::kChildExited);
  const Entry entry(Entry::Open::kOnlyIfOpen);
  if (entry) {
    MarkIdleThreads();
    NoteAllGivenBack(entry.thread());
    RecordEnd(End::kExit, static_cast<uint32_t>(status), entry->ref, g_exit_stack);
    WaitForWatcher();
  }
}

}  // namespace gordian::preload
