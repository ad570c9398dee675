// Futex waits that a library makes by itself (C++20's semaphores, latches, barriers and atomic waits, Rust's
// and Abseil's locks): that a thread waits is seen, and who wakes it; for whom it waits is not.
#include <linux/futex.h>

#include <cstdint>

#include "libsync/record/waits.h"
#include "preload/intercept.h"

using namespace gordian::record;

// The parts of syscall.S.
extern "C" {
__attribute__((visibility("hidden"))) constinit void* gordian_real_syscall = nullptr;
__attribute__((visibility("hidden"))) void* gordian_resolve_syscall();
__attribute__((visibility("hidden"))) long gordian_futex_call(long number, long word, long operation,
                                                              long value, long timeout, long word2,
                                                              long value3);
}
INTERCEPT_STUB(long, syscall, long number, long a, long b, long c, long d, long e, long f)

namespace {

bool Waits(long operation) {
  switch (operation & FUTEX_CMD_MASK) {
    case FUTEX_WAIT:
    case FUTEX_WAIT_BITSET:
    case FUTEX_WAIT_REQUEUE_PI:
    case FUTEX_LOCK_PI:
    case FUTEX_LOCK_PI2:
      return true;
    default:
      return false;
  }
}

bool Wakes(long operation) {
  switch (operation & FUTEX_CMD_MASK) {
    case FUTEX_WAKE:
    case FUTEX_WAKE_BITSET:
    case FUTEX_WAKE_OP:
    case FUTEX_REQUEUE:
    case FUTEX_CMP_REQUEUE:
      return true;
    default:
      return false;
  }
}

}  // namespace

void* gordian_resolve_syscall() {
  void* address = reinterpret_cast<void*>(REAL(syscall));
  __atomic_store_n(&gordian_real_syscall, address, __ATOMIC_RELAXED);
  return address;
}

// Jumped to with the arguments of the call.
long gordian_futex_call(long number, long word, long operation, long value, long timeout, long word2,
                        long value3) {
  if (!Waits(operation)) {
    if (Wakes(operation)) {
      RecordFutexWake(static_cast<uintptr_t>(word));
    }
    return REAL(syscall)(number, word, operation, value, timeout, word2, value3);
  }
  const FutexWait wait =
      BeginFutexWait(static_cast<uintptr_t>(word), static_cast<uint32_t>(value), timeout != 0, CALL_SITE());
  const long result = REAL(syscall)(number, word, operation, value, timeout, word2, value3);
  EndFutexWait(wait, result == 0);
  return result;
}
