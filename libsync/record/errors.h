// Synchronisation calls that answer with an error: a mistake that the program itself could notice.
//
//     return Noted(REAL(pthread_mutex_init)(mutex, attributes), "pthread_mutex_init", Blocking::kForever,
//                  mutex, CALL_SITE());
#ifndef GORDIAN_LIBSYNC_RECORD_ERRORS_H_
#define GORDIAN_LIBSYNC_RECORD_ERRORS_H_

#include "libsync/record/acquire.h"
#include "libsync/record/locks.h"
#include "libsync/record/stack.h"

namespace gordian::record {

// Records kApiError, but for what a correct program must expect of a call that waits so: a signal or a dead
// owner at any time, a lock that is taken of a try, a deadline that passes of a timed wait. `result` is an
// errno value, -1 for the one in errno, or what a C11 call answers. `object` may be null.
void RecordResult(int result, const char* call, Blocking blocking, const ObjectFacts* object,
                  const Site& site);

// Records what `call` made at `site` returned, where that is not part of normal use. Returns it.
template <typename Object>
__attribute__((always_inline)) inline int Noted(int result, const char* call, Blocking blocking,
                                                Object* object, const Site& site) {
  if (__builtin_expect(result != 0, 0)) {
    const ObjectFacts facts = FactsOf(object);
    RecordResult(result, call, blocking, &facts, site);
  }
  return result;
}

}  // namespace gordian::record

#endif  // GORDIAN_LIBSYNC_RECORD_ERRORS_H_
