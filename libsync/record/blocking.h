// Threads that sleep or wait for something else while they hold a lock: everybody who wants it waits with
// them.
//
//     const Blocked blocked = BeginBlocking();
//     const int result = REAL(nanosleep)(time, rest);
//     EndBlocking(blocked, "nanosleep", 0, CALL_SITE());
#ifndef GORDIAN_LIBSYNC_RECORD_BLOCKING_H_
#define GORDIAN_LIBSYNC_RECORD_BLOCKING_H_

#include <cstdint>

#include "libsync/record/stack.h"
#include "libsync/record/thread.h"
#include "libsync/trace/layout.h"

namespace gordian::record {

struct Blocked {
  uint64_t start_ns;  // 0: the thread held nothing, or is not recorded
};

inline Blocked BeginBlocking() {
  const trace::SlotRecord* slot = t_thread->own_slot;
  return Blocked{slot == nullptr || slot->held_count == 0 ? 0 : NowNs()};
}
// The call is over. If it lasted longer than Config::hold_ms, that is recorded as kBlockedWhileLocked. `what`
// names the call, `stack` is its stack if that is known already.
void RecordBlocking(uint64_t start_ns, const char* what, trace::Ref stack, const Site& site);
inline void EndBlocking(const Blocked& blocked, const char* what, trace::Ref stack, const Site& site) {
  if (blocked.start_ns != 0) {
    RecordBlocking(blocked.start_ns, what, stack, site);
  }
}

}  // namespace gordian::record

#endif  // GORDIAN_LIBSYNC_RECORD_BLOCKING_H_
