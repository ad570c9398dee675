// flockfile and its kin: the lock of a stream, recursive. libc's own calls take it too (fprintf, fclose),
// past every hook: what they wait for is not seen, but for fclose.
#include <stdio.h>

#include "libsync/record/file_locks.h"
#include "preload/intercept.h"
#include "preload/lock_hooks.h"

using namespace gordian::preload;
using namespace gordian::record;
using gordian::trace::Mode;

INTERCEPT(void, flockfile, FILE* stream) {
  Acquire("flockfile", stream, Mode::kExclusive, Blocking::kForever, CALL_SITE(), [=] {
    REAL(flockfile)(stream);
    return 0;
  });
}

INTERCEPT(int, ftrylockfile, FILE* stream) {
  return Acquire("ftrylockfile", stream, Mode::kExclusive, Blocking::kTry, CALL_SITE(),
                 [=] { return REAL(ftrylockfile)(stream); });
}

INTERCEPT(void, funlockfile, FILE* stream) {
  BeginReleaseSlow(FactsOf(stream), CALL_SITE());
  REAL(funlockfile)(stream);
}

INTERCEPT_ALIAS(_IO_flockfile, flockfile)
INTERCEPT_ALIAS(_IO_ftrylockfile, ftrylockfile)
INTERCEPT_ALIAS(_IO_funlockfile, funlockfile)

// It takes the lock first, and the lock goes with the stream; file locks may go with its descriptor.
INTERCEPT(int, fclose, FILE* stream) {
  if (const int fd = HoldsFileLocks() ? fileno(stream) : -1; fd >= 0) {
    ReleaseByClose(static_cast<unsigned>(fd), static_cast<unsigned>(fd), CALL_SITE());
  }
  const Attempt attempt = BeginClose(stream, CALL_SITE());
  const int result = REAL(fclose)(stream);
  EndClose(attempt);
  return result;
}
