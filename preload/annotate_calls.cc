// What a program may ask of the shim, by libsync/annotate.h: beside the hooks, all that is exported.
#include "libsync/include/libsync/annotate.h"
#include "libsync/record/locks.h"
#include "libsync/record/thread.h"

using namespace gordian::record;

namespace {

template <typename T>
T* Object(const void* object) {
  return static_cast<T*>(const_cast<void*>(object));
}

bool FactsOfKind(const void* object, int kind, ObjectFacts* facts) {
  switch (kind) {
    case GORDIAN_MUTEX:
      *facts = FactsOf(Object<pthread_mutex_t>(object));
      return true;
    case GORDIAN_RWLOCK:
      *facts = FactsOf(Object<pthread_rwlock_t>(object));
      return true;
    case GORDIAN_SPINLOCK:
      *facts = FactsOf(Object<pthread_spinlock_t>(object));
      return true;
    case GORDIAN_SEMAPHORE:
      *facts = FactsOf(Object<sem_t>(object));
      return true;
    case GORDIAN_CONDITION:
      *facts = FactsOf(Object<pthread_cond_t>(object));
      return true;
    default:
      return false;  // of a newer header
  }
}

}  // namespace

#define EXPORT extern "C" __attribute__((visibility("default")))

EXPORT void gordian_shim_name(const void* object, int kind, const char* name) {
  const Entry entry;
  ObjectFacts facts{};
  if (entry && object != nullptr && name != nullptr && FactsOfKind(object, kind, &facts)) {
    NameLock(entry.thread(), facts, name);
  }
}

EXPORT const char* gordian_shim_trace_path(void) { return IsReady() ? g_image->trace_path : nullptr; }
