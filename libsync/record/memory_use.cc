#include "libsync/record/memory_use.h"

#include "libsync/record/lifetimes.h"
#include "libsync/record/locks.h"

namespace gordian::record {

constinit uint16_t g_use_counts[kUsePages]{};

void CountUse(trace::Ref object, int by) {
  const uint64_t address = g_trace.At<trace::LockRecord>(object)->address;
  if ((address & kNoMemoryBit) != 0) {
    return;
  }
  const uint64_t page = address >> kUsePageShift;
  __atomic_fetch_add(&g_use_counts[page % kUsePages], static_cast<uint16_t>(by), __ATOMIC_RELAXED);
  __atomic_fetch_add(&g_use_counts[(page - 1) % kUsePages], static_cast<uint16_t>(by), __ATOMIC_RELAXED);
}

bool IsInUse(const void* start, size_t bytes) {
  if (!IsReady()) {
    return false;
  }
  const Entry entry(Entry::Open::kOnlyIfOpen);
  bool found = false;
  if (entry) {
    ForEachUse(reinterpret_cast<uintptr_t>(start), bytes, [&found](const Use& /*use*/) {
      found = true;
      return false;
    });
  }
  return found;
}

}  // namespace gordian::record
