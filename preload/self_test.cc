#include "preload/self_test.h"

#include <pthread.h>
#include <time.h>

#include "libsync/record/libc_facts.h"
#include "libsync/record/raw.h"
#include "preload/next.h"

using namespace gordian::record;

namespace gordian::preload {
namespace {

constexpr uint64_t kProbe = 0x0123456789ABCDEFu;

bool KeepsTag(pthread_mutex_t* mutex) {
  const auto lock = NEXT(pthread_mutex_lock);
  const auto try_lock = NEXT(pthread_mutex_trylock);
  const auto unlock = NEXT(pthread_mutex_unlock);
  const auto timed_wait = NEXT(pthread_cond_clockwait);
  if (lock == nullptr || try_lock == nullptr || unlock == nullptr || timed_wait == nullptr) {
    return false;
  }
  if (*MutexTag(mutex) != 0) {
    return false;
  }
  *MutexTag(mutex) = kProbe;
  pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
  const timespec past{-1, 0};  // before the clock began: nobody is asked to wait
  bool right = lock(mutex) == 0 && MutexOwner(mutex) == OwnTid() && MutexLooksLocked(mutex);
  timed_wait(&condition, mutex, CLOCK_MONOTONIC, &past);
  right = right && *MutexTag(mutex) == kProbe && unlock(mutex) == 0 && MutexOwner(mutex) == 0;
  right = right && try_lock(mutex) == 0 && *MutexTag(mutex) == kProbe && unlock(mutex) == 0;
  return right && *MutexTag(mutex) == kProbe;
}

bool KindsAreAsKnown() {
  pthread_mutexattr_t attributes;
  pthread_mutex_t mutex;
  const auto init = NEXT(pthread_mutex_init);
  const auto destroy = NEXT(pthread_mutex_destroy);
  if (init == nullptr || destroy == nullptr || pthread_mutexattr_init(&attributes) != 0) {
    return false;
  }
  pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
  *MutexTag(&mutex) = kProbe;
  bool right = init(&mutex, &attributes) == 0 && (MutexKind(&mutex) & kMutexTypeMask) == kMutexRecursive &&
               *MutexTag(&mutex) == 0 && KeepsTag(&mutex);
  destroy(&mutex);
  right = right && MutexKind(&mutex) == kMutexDestroyedKind;
  pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
  pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
  right = right && init(&mutex, &attributes) == 0 &&
          (MutexKind(&mutex) & (kMutexRobustBit | kMutexSharedBit)) == (kMutexRobustBit | kMutexSharedBit);
  destroy(&mutex);
  pthread_mutexattr_destroy(&attributes);
  return right;
}

bool IsSharedAsAsked(int shared) {
  const auto init = NEXT(pthread_cond_init);
  const auto destroy = NEXT(pthread_cond_destroy);
  pthread_condattr_t attributes;
  pthread_cond_t condition;
  if (init == nullptr || destroy == nullptr || pthread_condattr_init(&attributes) != 0) {
    return false;
  }
  pthread_condattr_setpshared(&attributes, shared);
  bool right = init(&condition, &attributes) == 0 &&
               ConditionIsShared(&condition) == (shared == PTHREAD_PROCESS_SHARED) &&
               !ConditionIsDestroyed(&condition);
  destroy(&condition);
  right = right && ConditionIsDestroyed(&condition);
  pthread_condattr_destroy(&attributes);
  return right;
}

}  // namespace

bool ConditionsAreAsKnown() {
  return IsSharedAsAsked(PTHREAD_PROCESS_SHARED) && IsSharedAsAsked(PTHREAD_PROCESS_PRIVATE);
}

bool TagsWork() {
  pthread_mutex_t normal = PTHREAD_MUTEX_INITIALIZER;
  return KeepsTag(&normal) && KindsAreAsKnown();
}

}  // namespace gordian::preload
