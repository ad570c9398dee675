#include "preload/free_calls.h"

#include <dlfcn.h>

#include "libsync/record/lifetimes.h"
#include "libsync/record/memory_use.h"
#include "preload/free/check_free.h"

namespace gordian::preload {
namespace {

static_assert(static_cast<int>(kPageShift) == record::kUsePageShift);
static_assert(static_cast<int>(kPageCounts) == record::kUsePages);

int IsInUse(const void* block, size_t bytes) { return record::IsInUse(block, bytes) ? 1 : 0; }

void Record(void* block, size_t bytes, const char* call, uintptr_t return_address, uintptr_t frame) {
  record::BeforeUnmap(block, bytes, call, record::Site{return_address, frame});
}

}  // namespace

bool LookAtFrees() {
  auto* check = static_cast<GordianFreeCheck*>(dlsym(RTLD_DEFAULT, "gordian_free_check"));
  if (check == nullptr) {
    return false;
  }
  check->is_in_use = IsInUse;
  check->record = Record;
  __atomic_store_n(&check->page_counts, &record::g_use_counts[0], __ATOMIC_RELEASE);
  return true;
}

}  // namespace gordian::preload
