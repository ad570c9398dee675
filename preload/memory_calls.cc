// munmap and mremap: memory that goes away may hold a lock that is held, and what comes after it is not the
// same lock.
#include <sys/mman.h>

#include "libsync/record/lifetimes.h"
#include "preload/intercept.h"

INTERCEPT(int, munmap, void* address, size_t bytes) {
  gordian::record::BeforeUnmap(address, bytes, CALL_SITE());
  return REAL(munmap)(address, bytes);
}

// Variadic in libc's header; the address is read only where the flags ask for one.
INTERCEPT(void*, mremap, void* address, size_t old_bytes, size_t bytes, int flags, void* new_address) {
  void* result = REAL(mremap)(address, old_bytes, bytes, flags, new_address);
  if (result == MAP_FAILED) {
    return result;
  }
  if (result != address) {
    gordian::record::AfterMove(address, old_bytes, CALL_SITE());
  } else if (bytes < old_bytes) {
    gordian::record::AfterMove(static_cast<char*>(address) + bytes, old_bytes - bytes, CALL_SITE());
  }
  return result;
}
