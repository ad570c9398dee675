// Sleeps: nothing is said of them unless the thread holds a lock.
#include <threads.h>
#include <time.h>
#include <unistd.h>

#include "libsync/record/blocking.h"
#include "preload/intercept.h"

using namespace gordian::record;

namespace {

// `call` is the hook's own REAL.
template <typename Call>
__attribute__((always_inline)) inline auto Sleep(const char* name, const Site& site, Call call) {
  const Blocked blocked = BeginBlocking();
  const auto result = call();
  EndBlocking(blocked, name, 0, site);
  return result;
}

}  // namespace

INTERCEPT(unsigned, sleep, unsigned seconds) {
  return Sleep("sleep", CALL_SITE(), [=] { return REAL(sleep)(seconds); });
}

INTERCEPT(int, usleep, useconds_t microseconds) {
  return Sleep("usleep", CALL_SITE(), [=] { return REAL(usleep)(microseconds); });
}

INTERCEPT(int, nanosleep, const timespec* time, timespec* rest) {
  return Sleep("nanosleep", CALL_SITE(), [=] { return REAL(nanosleep)(time, rest); });
}

INTERCEPT(int, clock_nanosleep, clockid_t clock, int flags, const timespec* time, timespec* rest) {
  return Sleep("clock_nanosleep", CALL_SITE(),
               [=] { return REAL(clock_nanosleep)(clock, flags, time, rest); });
}

INTERCEPT(int, thrd_sleep, const timespec* time, timespec* rest) {
  return Sleep("thrd_sleep", CALL_SITE(), [=] { return REAL(thrd_sleep)(time, rest); });
}

INTERCEPT_ALIAS(__nanosleep, nanosleep)
