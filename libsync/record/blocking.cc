#include "libsync/record/blocking.h"

#include "libsync/record/acquire.h"
#include "libsync/record/durations.h"
#include "libsync/record/events.h"
#include "libsync/record/raw.h"

namespace gordian::record {
namespace {

const trace::HeldEntry* NewestLock(const Thread* thread) {
  for (uint32_t i = thread->own_slot->held_count; i-- > 0;) {
    const trace::HeldEntry* entry = &thread->held[i];
    if (entry->lock == 0) {
      continue;
    }
    if (KeepsOthersOut(entry->lock)) {
      return entry;
    }
  }
  return nullptr;
}

}  // namespace

void RecordBlocking(uint64_t start_ns, const char* what, trace::Ref stack, const Site& site) {
  const uint64_t lasted_ns = NowNs() - start_ns;
  if (lasted_ns < uint64_t{g_config.hold_ms} * 1'000'000) {
    return;
  }
  const Entry entry(Entry::Open::kOnlyIfOpen);
  const trace::HeldEntry* newest = entry ? NewestLock(entry.thread()) : nullptr;
  if (newest != nullptr) {
    RecordDuration(entry.thread(), {.kind = trace::EventKind::kBlockedWhileLocked,
                                    .object = newest->lock,
                                    .value = static_cast<int64_t>(lasted_ns),
                                    .stack = stack != 0 ? stack : StackOf(entry.thread(), site),
                                    .other_stack = newest->stack,
                                    .text = what});
  }
}

}  // namespace gordian::record
