// sem_*: a semaphore is a lock as long as the thread that waited is the one that posts; then it is a signal.
#include <fcntl.h>
#include <limits.h>
#include <semaphore.h>

#include "libsync/record/named.h"
#include "libsync/record/plan.h"
#include "libsync/record/scripts.h"
#include "preload/intercept.h"
#include "preload/lock_hooks.h"

using namespace gordian::preload;
using namespace gordian::record;
using gordian::trace::Mode;

INTERCEPT(int, sem_wait, sem_t* semaphore) {
  const InScript place;
  return AcquireUsual("sem_wait", semaphore, Mode::kExclusive, Blocking::kForever,
                      [=] { return REAL(sem_wait)(semaphore); });
}

INTERCEPT(int, sem_trywait, sem_t* semaphore) {
  const InScript place;
  const auto call = [=] { return REAL(sem_trywait)(semaphore); };
  if (__builtin_expect(place.waits() && PutsOffTries(), 0)) {
    errno = EAGAIN;
    return -1;
  }
  // A script's lock that is free is taken by a try, whatever the script asked for.
  return __builtin_expect(place.waits(), 0)
             ? AcquireUsual("sem_trywait", semaphore, Mode::kExclusive, Blocking::kFirstTry, call)
             : AcquireUsual("sem_trywait", semaphore, Mode::kExclusive, Blocking::kTry, call);
}

INTERCEPT(int, sem_timedwait, sem_t* semaphore, const timespec* deadline) {
  const InScript place;
  return AcquireUsual("sem_timedwait", semaphore, Mode::kExclusive, Blocking::kTimed,
                      [=] { return REAL(sem_timedwait)(semaphore, deadline); });
}

INTERCEPT(int, sem_clockwait, sem_t* semaphore, clockid_t clock, const timespec* deadline) {
  const InScript place;
  return AcquireByClock("sem_clockwait", semaphore, Mode::kExclusive, clock,
                        [=] { return REAL(sem_clockwait)(semaphore, clock, deadline); });
}

namespace {

template <typename Call>
__attribute__((noinline)) int PostByLibc(sem_t* semaphore, Site site, Call call) {
  const int result = call();
  if (result != 0 && errno == EOVERFLOW) {
    RecordSemaphoreMisuse(semaphore, SEM_VALUE_MAX, site);
    return result;
  }
  return Noted(result, "sem_post", Blocking::kForever, semaphore, site);
}

template <typename Call>
__attribute__((noinline)) int PostOther(sem_t* semaphore, Site site, Call call) {
  const uint32_t value = SemaphoreValue(semaphore);
  if (value != 0 || !BeginProfiledRelease(semaphore)) {
    BeginPost(FactsOf(semaphore), value, site);
  }
  return PostByLibc(semaphore, site, call);
}

}  // namespace

INTERCEPT(int, sem_post, sem_t* semaphore) {
  const auto call = [=] { return REAL(sem_post)(semaphore); };
  if (__builtin_expect(SemaphoreValue(semaphore) != 0 || !BeginKnownRelease(semaphore), 0)) {
    return PostOther(semaphore, CALL_SITE(), call);
  }
  return __builtin_expect(gordian::preload::GiveBack(semaphore), 1)
             ? 0
             : PostByLibc(semaphore, CALL_SITE(), call);
}

INTERCEPT(int, sem_init, sem_t* semaphore, int shared, unsigned value) {
  if (value > SEM_VALUE_MAX) {
    const int refused = REAL(sem_init)(semaphore, shared, value);  // whatever lies there
    RecordSemaphoreMisuse(nullptr, value, CALL_SITE());
    return refused;
  }
  const Site site = CALL_SITE();
  BeforeInit(FactsOf(semaphore), site);
  const int result = REAL(sem_init)(semaphore, shared, value);
  if (result == 0) {
    WipeTag(semaphore);
    BeginSemaphore(AfterInit(FactsOf(semaphore), site), value);
  }
  return Noted(result, "sem_init", Blocking::kForever, semaphore, site);
}

INTERCEPT(int, sem_destroy, sem_t* semaphore) {
  const Doomed doomed = BeforeDestroy(semaphore, CALL_SITE());
  const int result = REAL(sem_destroy)(semaphore);
  AfterDestroy(doomed, result == 0);
  return Noted(result, "sem_destroy", Blocking::kForever, semaphore, CALL_SITE());
}

// Variadic in libc's header; mode and value are read only where the flags ask for them.
INTERCEPT(sem_t*, sem_open, const char* name, int flags, mode_t mode, unsigned value) {
  const bool may_create = (flags & O_CREAT) != 0;
  const bool existed = may_create && (flags & O_EXCL) == 0 && NameExists(NameOf::kSemaphore, name);
  sem_t* semaphore = REAL(sem_open)(name, flags, mode, value);
  if (semaphore == SEM_FAILED) {
    if (may_create && value > SEM_VALUE_MAX && errno == EINVAL) {
      RecordSemaphoreMisuse(nullptr, value, CALL_SITE());
    }
    return semaphore;
  }
  const Site site = CALL_SITE();
  const bool created = may_create && !existed;
  if (created) {
    RecordName(gordian::trace::EventKind::kNameCreated, NameOf::kSemaphore, name, site);
  }
  RecordSemaphoreOpen(semaphore, name, created, site);
  return semaphore;
}

INTERCEPT(int, sem_close, sem_t* semaphore) {
  const int result = REAL(sem_close)(semaphore);
  if (result == 0) {
    RecordSemaphoreClose(semaphore);
  }
  return result;
}

INTERCEPT(int, sem_unlink, const char* name) {
  const int result = REAL(sem_unlink)(name);
  if (result == 0) {
    RecordName(gordian::trace::EventKind::kNameUnlinked, NameOf::kSemaphore, name, CALL_SITE());
  }
  return result;
}
