// What several processes know as one object: SharedRecords.
//
// An object in shared memory is known by the mapping it lies in, which the kernel tells in /proc/self/maps.
// That is read at the object's first use and kept for a moment only: libc unmaps memory past every hook.
#ifndef GORDIAN_LIBSYNC_RECORD_SHARED_H_
#define GORDIAN_LIBSYNC_RECORD_SHARED_H_

#include <cstdint>

#include "libsync/record/spin_lock.h"
#include "libsync/trace/layout.h"

namespace gordian::record {

// One line of /proc/self/maps.
struct Mapping {
  uintptr_t start;
  uintptr_t end;
  uint64_t file_offset;
  uint64_t device;
  uint64_t inode;
  bool shared;
};

// The last mapping that was looked up. Lies in wiped memory.
struct MappingCache {
  SpinLock lock;
  uint64_t seen_ns;  // 0: nothing
  Mapping mapping;
};

// The mapping that holds the address. False: none, or it cannot be asked for (a sandbox, no /proc).
bool FindMapping(uintptr_t address, Mapping* mapping);
// Memory was unmapped, or may have been.
void ForgetMapping();
// Both need a caller inside the recorder; what follows needs an open trace as well.

// The record of an identity, the same one for the same identity; 0 when there is no room.
trace::Ref RecordShared(trace::SharedSpace space, uint64_t device, uint64_t inode, uint64_t offset,
                        uint64_t length);
// Of the object at an address: 0 when that lies in no shared mapping.
trace::Ref RecordSharedMemory(uintptr_t address);

}  // namespace gordian::record

#endif  // GORDIAN_LIBSYNC_RECORD_SHARED_H_
