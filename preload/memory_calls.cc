// munmap, mremap and shmdt: memory that goes away may hold a lock that is held, and what comes after it is
// not the same lock. shm_open and shm_unlink: memory that has a name stays until somebody takes the name
// away.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/shm.h>

#include <cstdint>

#include "libsync/record/lifetimes.h"
#include "libsync/record/named.h"
#include "preload/intercept.h"

INTERCEPT(int, munmap, void* address, size_t bytes) {
  // Else it fails, and the memory stays. To be told before: once it is gone, another thread may get it.
  if (bytes != 0 && reinterpret_cast<uintptr_t>(address) % 4096 == 0) {
    gordian::record::BeforeUnmap(address, bytes, "munmap", CALL_SITE());
  }
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

INTERCEPT(int, shmdt, const void* address) {
  const size_t bytes = gordian::record::MappedFrom(address);
  const int result = REAL(shmdt)(address);
  if (result == 0 && bytes != 0) {
    gordian::record::AfterMove(const_cast<void*>(address), bytes, CALL_SITE());
  }
  return result;
}

INTERCEPT(int, shm_open, const char* name, int flags, mode_t mode) {
  using gordian::record::NameOf;
  const bool existed = (flags & O_CREAT) == 0 ||
                       ((flags & O_EXCL) == 0 && gordian::record::NameExists(NameOf::kSharedMemory, name));
  const int result = REAL(shm_open)(name, flags, mode);
  if (result >= 0 && !existed) {
    gordian::record::RecordName(gordian::trace::EventKind::kNameCreated, NameOf::kSharedMemory, name,
                                CALL_SITE());
  }
  return result;
}

INTERCEPT(int, shm_unlink, const char* name) {
  const int result = REAL(shm_unlink)(name);
  if (result == 0) {
    gordian::record::RecordName(gordian::trace::EventKind::kNameUnlinked,
                                gordian::record::NameOf::kSharedMemory, name, CALL_SITE());
  }
  return result;
}
