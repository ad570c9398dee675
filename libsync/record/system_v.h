// System V semaphores: one that begins at 1 and is taken and given back by ones is a lock, as sem_t is
// (acquire.h). What a call takes of several at once it takes together: they are not ordered among themselves.
#ifndef GORDIAN_LIBSYNC_RECORD_SYSTEM_V_H_
#define GORDIAN_LIBSYNC_RECORD_SYSTEM_V_H_

#include <sys/sem.h>

#include <cstddef>
#include <cstdint>

#include "libsync/record/acquire.h"
#include "libsync/record/stack.h"

namespace gordian::record {

// A semaphore has no address; this stands in its place.
inline uintptr_t SystemVAddress(int id, unsigned number) {
  return uintptr_t{3} << 62 | uintptr_t{static_cast<uint32_t>(id)} << 16 | (number & 0xFFFF);
}
// Device: the IPC namespace.
trace::Ref RecordSharedSystemV(uintptr_t address);

// A call with more operations than this goes unrecorded.
inline constexpr size_t kMostOperations = 16;

struct SemaphoreCall {
  uint32_t taken;
  Attempt attempts[kMostOperations];
};
void BeginSemaphoreCall(SemaphoreCall* call, int id, const sembuf* operations, size_t count, bool timed,
                        const Site& site);
void EndSemaphoreCall(const SemaphoreCall& call, bool done);

// The number of semaphores in the set, 0 unknown.
unsigned CountSemaphores(int id);
// A semaphore was given a value by force: a new one begins.
void RecordSemaphoreSet(int id, unsigned number, int value, const Site& site);
// The set of so many semaphores is gone.
void RecordSemaphoresRemoved(int id, unsigned count);

}  // namespace gordian::record

#endif  // GORDIAN_LIBSYNC_RECORD_SYSTEM_V_H_
