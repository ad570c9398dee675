// Where in memory objects lie that are in use: a table so small and so quickly asked that it can be asked at
// each free (Config::checks_free; preload/free). All calls then go the slow way, so that every holding and
// every wait on a condition comes by here.
#ifndef GORDIAN_LIBSYNC_RECORD_MEMORY_USE_H_
#define GORDIAN_LIBSYNC_RECORD_MEMORY_USE_H_

#include <cstddef>
#include <cstdint>

#include "libsync/record/image.h"
#include "libsync/record/stack.h"
#include "libsync/trace/layout.h"

namespace gordian::record {

inline constexpr int kUsePageShift = 12;
inline constexpr int kUsePages = 1 << 16;
// By page number modulo kUsePages: how many objects in use begin in the page or in the one after it.
extern uint16_t g_use_counts[kUsePages];

void CountUse(trace::Ref object, int by);
// The object is held, or waited for as a condition, once more (by: 1) or once less (by: -1).
inline void NoteUse(trace::Ref object, int by) {
  if (g_config.checks_free && object != 0) {
    CountUse(object, by);
  }
}

// A lock that is held, or a condition with a waiter that nobody has woken, lies in [start, start + bytes).
bool IsInUse(const void* start, size_t bytes);

}  // namespace gordian::record

#endif  // GORDIAN_LIBSYNC_RECORD_MEMORY_USE_H_
