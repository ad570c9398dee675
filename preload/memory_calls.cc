// munmap: memory that goes away may hold a lock that is held, and what comes after it is not the same lock.
#include <sys/mman.h>

#include "libsync/record/lifetimes.h"
#include "preload/intercept.h"

INTERCEPT(int, munmap, void* address, size_t bytes) {
  gordian::record::BeforeUnmap(address, bytes, CALL_SITE());
  return REAL(munmap)(address, bytes);
}
