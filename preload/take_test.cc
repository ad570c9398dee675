#include "preload/take_test.h"

#include <errno.h>
#include <gnu/libc-version.h>
#include <link.h>
#include <pthread.h>
#include <semaphore.h>
#include <threads.h>

#include <cstring>

#include "libsync/record/free_locks.h"
#include "preload/next.h"

using namespace gordian::record;
using gordian::trace::Mode;

namespace gordian::preload {
namespace {

// In the object that libc's own functions lie in.
template <typename Function>
bool IsOfLibc(Function* function) {
  dl_find_object libc{};
  dl_find_object its{};
  return function != nullptr && _dl_find_object(reinterpret_cast<void*>(&gnu_get_libc_version), &libc) == 0 &&
         _dl_find_object(reinterpret_cast<void*>(function), &its) == 0 &&
         its.dlfo_link_map == libc.dlfo_link_map;
}

// Valgrind's tools for threads put their own code in the place of libc's, which keeps its address.
bool IsReplacedInPlace() {
  for (const link_map* object = _r_debug.r_map; object != nullptr; object = object->l_next) {
    if (strstr(object->l_name, "/vgpreload_helgrind") != nullptr ||
        strstr(object->l_name, "/vgpreload_drd") != nullptr) {
      return true;
    }
  }
  return false;
}

// Two objects of one state: libc acts on one, we on the other.
template <typename Object>
struct Twins {
  explicit Twins(const Object& state) : theirs(state), ours(state) {}
  bool Same() const { return memcmp(&theirs, &ours, sizeof(Object)) == 0; }
  Object theirs;
  Object ours;
};

class MutexTest {
 public:
  // Of a mutex in this state, which nobody has.
  bool Passes(const pthread_mutex_t& free_mutex) const {
    Twins<pthread_mutex_t> twins(free_mutex);
    return IsTakenAlike(&twins, lock_, Take::kLock) && IsTakenAlike(&twins, try_, Take::kTry) &&
           IsLeftToLibc(&twins);
  }
  bool PassesRecursive(const pthread_mutex_t& free_mutex) const {
    Twins<pthread_mutex_t> twins(free_mutex);
    return IsCountedAlike(&twins, lock_, Take::kLock) && IsCountedAlike(&twins, try_, Take::kTry);
  }
  bool IsOfLibcAlone() const {
    return IsOfLibc(lock_) && IsOfLibc(try_) && IsOfLibc(unlock_) && IsOfLibc(NEXT(mtx_lock)) &&
           IsOfLibc(NEXT(mtx_trylock)) && IsOfLibc(NEXT(mtx_unlock));
  }

 private:
  using Call = int(pthread_mutex_t*);

  bool IsTakenAlike(Twins<pthread_mutex_t>* twins, Call* take, Take how) const {
    pthread_mutex_t* theirs = &twins->theirs;
    pthread_mutex_t* ours = &twins->ours;
    bool right = take(theirs) == 0 && TakeFree(ours, Mode::kExclusive, how) && twins->Same();
    right = right && !TakeFree(theirs, Mode::kExclusive, how) && try_(ours) == EBUSY && twins->Same();
    right = right && unlock_(theirs) == 0 && GiveBack(ours) && twins->Same();
    // Each gives back what the other took.
    right = right && take(ours) == 0 && TakeFree(theirs, Mode::kExclusive, how) && twins->Same();
    return right && unlock_(theirs) == 0 && GiveBack(ours) && twins->Same();
  }
  // Somebody waits for it, as its lock says.
  static bool IsLeftToLibc(Twins<pthread_mutex_t>* twins) {
    twins->theirs.__data.__lock = 2;
    twins->theirs.__data.__owner = LibcTid();
    twins->theirs.__data.__nusers = 1;
    twins->ours = twins->theirs;
    const bool right = !GiveBack(&twins->ours) && !TakeFree(&twins->ours, Mode::kExclusive, Take::kLock) &&
                       !TakeFree(&twins->ours, Mode::kExclusive, Take::kTry);
    return right && twins->Same();
  }
  bool IsCountedAlike(Twins<pthread_mutex_t>* twins, Call* take, Take how) const {
    pthread_mutex_t* theirs = &twins->theirs;
    pthread_mutex_t* ours = &twins->ours;
    bool right = true;
    for (int depth = 0; depth < 3; ++depth) {
      right = right && take(theirs) == 0 && TakeRecursive(ours, how) && twins->Same();
    }
    for (int depth = 0; depth < 3; ++depth) {
      right = right && unlock_(theirs) == 0 && GiveBack(ours) && twins->Same();
    }
    right = right && unlock_(theirs) == EPERM && !GiveBack(ours) && twins->Same();
    // As often as it can be counted.
    right = right && take(theirs) == 0 && TakeRecursive(ours, how);
    theirs->__data.__count = ours->__data.__count = UINT32_MAX;
    right = right && take(theirs) == EAGAIN && !TakeRecursive(ours, how) && twins->Same();
    theirs->__data.__count = ours->__data.__count = 1;
    return right && unlock_(theirs) == 0 && GiveBack(ours) && twins->Same();
  }

  Call* const lock_ = NEXT(pthread_mutex_lock);
  Call* const try_ = NEXT(pthread_mutex_trylock);
  Call* const unlock_ = NEXT(pthread_mutex_unlock);
};

bool MutexesAreAsKnown() {
  const MutexTest test;
  if (!test.IsOfLibcAlone()) {
    return false;
  }
  const pthread_mutex_t normal = PTHREAD_MUTEX_INITIALIZER;
  const pthread_mutex_t recursive = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
  pthread_mutex_t never_elided = normal;
  never_elided.__data.__kind = kMutexNoElisionBit;
  pthread_mutex_t checked = normal;
  checked.__data.__kind = kMutexErrorcheck;
  return test.Passes(normal) && test.Passes(never_elided) && test.Passes(checked) &&
         test.PassesRecursive(recursive);
}

bool RwlocksAreAsKnown() {
  const auto read = NEXT(pthread_rwlock_rdlock);
  const auto try_read = NEXT(pthread_rwlock_tryrdlock);
  const auto write = NEXT(pthread_rwlock_wrlock);
  const auto try_write = NEXT(pthread_rwlock_trywrlock);
  const auto unlock = NEXT(pthread_rwlock_unlock);
  if (!IsOfLibc(write) || !IsOfLibc(read) || !IsOfLibc(try_read) || !IsOfLibc(try_write) ||
      !IsOfLibc(unlock)) {
    return false;
  }
  const auto take = [](pthread_rwlock_t* rwlock) { return TakeFree(rwlock, Mode::kShared, Take::kLock); };
  const pthread_rwlock_t fresh = PTHREAD_RWLOCK_INITIALIZER;
  Twins<pthread_rwlock_t> twins(fresh);
  pthread_rwlock_t* theirs = &twins.theirs;
  pthread_rwlock_t* ours = &twins.ours;
  bool right = !GiveBack(ours);
  int (*const reads[])(pthread_rwlock_t*) = {read, try_read};
  for (const auto call : reads) {
    right = right && call(theirs) == 0 && take(ours) && twins.Same();
    right = right && take(theirs) && call(ours) == 0 && twins.Same() && try_write(ours) == EBUSY;
    right = right && unlock(theirs) == 0 && GiveBack(ours) && twins.Same();
    right = right && GiveBack(theirs) && unlock(ours) == 0 && twins.Same();
  }
  // A writer inside, and the phase that it leaves behind.
  const auto take_to_write = [](pthread_rwlock_t* rwlock) {
    return TakeFree(rwlock, Mode::kExclusive, Take::kLock);
  };
  int (*const writes[])(pthread_rwlock_t*) = {write, try_write, write};
  for (const auto call : writes) {
    right = right && call(theirs) == 0 && take_to_write(ours) && twins.Same();
    right = right && !take(ours) && !take_to_write(ours) && !GiveBack(ours) && twins.Same();
    right = right && unlock(theirs) == 0 && unlock(ours) == 0 && !take(ours) && !GiveBack(ours);
    right = right && twins.Same();
  }
  right = right && twins.Same() && read(theirs) == 0 && read(ours) == 0 && GiveBack(ours);
  right = right && unlock(theirs) == 0 && twins.Same();
  return right && write(theirs) == 0 && take_to_write(ours) && twins.Same() && unlock(ours) == 0;
}

bool SemaphoresAreAsKnown() {
  const auto init = NEXT(sem_init);
  const auto wait = NEXT(sem_wait);
  const auto try_wait = NEXT(sem_trywait);
  const auto post = NEXT(sem_post);
  if (!IsOfLibc(init) || !IsOfLibc(wait) || !IsOfLibc(try_wait) || !IsOfLibc(post)) {
    return false;
  }
  constexpr uint64_t somebody_waits = uint64_t{1} << 32;
  const auto take = [](sem_t* semaphore) { return TakeFree(semaphore, Mode::kExclusive, Take::kLock); };
  const sem_t unset{};
  Twins<sem_t> twins(unset);
  sem_t* theirs = &twins.theirs;
  sem_t* ours = &twins.ours;
  bool right = init(theirs, 0, 1) == 0 && init(ours, 0, 1) == 0 && twins.Same();
  int (*const waits[])(sem_t*) = {wait, try_wait};
  for (const auto call : waits) {
    right = right && call(theirs) == 0 && take(ours) && twins.Same();
    right = right && !take(theirs) && try_wait(ours) == -1 && twins.Same();
    right = right && post(theirs) == 0 && GiveBack(ours) && twins.Same() && !GiveBack(ours);
    // Who waits leaves the value to whoever comes, and has to be woken up.
    *SemaphoreData(theirs) |= somebody_waits;
    *SemaphoreData(ours) |= somebody_waits;
    right = right && call(theirs) == 0 && take(ours) && twins.Same() && !GiveBack(ours) && twins.Same();
    *SemaphoreData(theirs) = *SemaphoreData(ours) = 1;
  }
  return right;
}

bool SpinlocksAreAsKnown() {
  const auto init = NEXT(pthread_spin_init);
  const auto lock = NEXT(pthread_spin_lock);
  const auto try_lock = NEXT(pthread_spin_trylock);
  const auto unlock = NEXT(pthread_spin_unlock);
  if (!IsOfLibc(init) || !IsOfLibc(lock) || !IsOfLibc(try_lock) || !IsOfLibc(unlock)) {
    return false;
  }
  const auto take = [](pthread_spinlock_t* spinlock) {
    return TakeFree(spinlock, Mode::kExclusive, Take::kLock);
  };
  pthread_spinlock_t theirs = 0;
  pthread_spinlock_t ours = 0;
  bool right = init(&theirs, 0) == 0 && init(&ours, 0) == 0;
  int (*const locks[])(pthread_spinlock_t*) = {lock, try_lock};
  for (const auto call : locks) {
    right = right && call(&theirs) == 0 && take(&ours) && theirs == ours;
    right = right && !take(&theirs) && try_lock(&ours) == EBUSY && theirs == ours;
    right = right && unlock(&theirs) == 0 && GiveBack(&ours) && theirs == ours;
    right = right && take(&theirs) && call(&ours) == 0 && theirs == ours;
    right = right && unlock(&theirs) == 0 && GiveBack(&ours) && theirs == ours;
  }
  ours = -1;  // as one who waits leaves it
  return right && !take(&ours) && ours == -1;
}

}  // namespace

bool FreeLocksAreAsKnown() {
  const int saved = errno;
  const bool right = !IsReplacedInPlace() && MutexesAreAsKnown() && RwlocksAreAsKnown() &&
                     SemaphoresAreAsKnown() && SpinlocksAreAsKnown();
  errno = saved;
  return right;
}

}  // namespace gordian::preload
