// What the hooks of all locks have in common: what is said to the recorder around the real call. `call` is
// the hook's own REAL, so that one body serves POSIX and C11.
#ifndef GORDIAN_PRELOAD_LOCK_HOOKS_H_
#define GORDIAN_PRELOAD_LOCK_HOOKS_H_

#include <errno.h>

#include "libsync/record/acquire.h"
#include "libsync/record/lifetimes.h"

namespace gordian::preload {

// thrd_success is 0 too. EOWNERDEAD is an acquisition: of a robust mutex whose owner died.
inline bool Acquired(int result) { return result == 0 || result == EOWNERDEAD; }

template <typename Object, typename Call>
__attribute__((always_inline)) inline int Acquire(Object* object, trace::Mode mode, record::Blocking blocking,
                                                  const record::Site& site, Call call) {
  const record::Attempt attempt = record::BeginAcquire(record::FactsOf(object), mode, blocking, site);
  const int result = call();
  record::EndAcquire(attempt, Acquired(result));
  return result;
}

template <typename Object, typename Call>
__attribute__((noinline)) int AcquireSlowly(Object* object, trace::Mode mode, const record::Site& site,
                                            Call call) {
  return Acquire(object, mode, record::Blocking::kForever, site, call);
}

// For the kinds that have a fast path.
template <typename Object, typename Call>
__attribute__((always_inline)) inline int AcquireForever(Object* object, trace::Mode mode,
                                                         const record::Site& site, Call call) {
  record::KnownAcquire known;
  if (__builtin_expect(record::BeginKnownAcquire(object, mode, site, &known), 1)) {
    const int result = call();
    record::EndKnownAcquire(known, mode, Acquired(result));
    return result;
  }
  return AcquireSlowly(object, mode, site, call);
}

template <typename Object, typename Call>
__attribute__((always_inline)) inline int Init(Object* object, const record::Site& site, Call call) {
  record::BeforeInit(record::FactsOf(object), site);
  const int result = call();
  if (result == 0) {
    record::AfterInit(record::FactsOf(object), site);
  }
  return result;
}

template <typename Object, typename Call>
__attribute__((always_inline)) inline int Destroy(Object* object, const record::Site& site, Call call) {
  const record::Doomed doomed = record::BeforeDestroy(record::FactsOf(object), site);
  const int result = call();
  record::AfterDestroy(doomed, result == 0);
  return result;
}

}  // namespace gordian::preload

#endif  // GORDIAN_PRELOAD_LOCK_HOOKS_H_
