// Names of semaphores and shared memory: what is made under them outlives the process.
#ifndef GORDIAN_LIBSYNC_RECORD_NAMED_H_
#define GORDIAN_LIBSYNC_RECORD_NAMED_H_

#include <semaphore.h>

#include <cstdint>

#include "libsync/record/stack.h"
#include "libsync/trace/layout.h"

namespace gordian::record {

enum class NameOf : int64_t { kSemaphore = 0, kSharedMemory = 1 };  // EventRecord::value of the two events

// So many events of one image tell of names, and so many of one name; what comes then is dropped.
inline constexpr uint64_t kMostNameEvents = 1 << 14;
inline constexpr uint64_t kMostEventsOfName = 16;

// Whether there is such a thing now, for the call that may make it. True where the kernel cannot be asked.
bool NameExists(NameOf what, const char* name);
// kNameCreated, kNameUnlinked. `name` as the program gave it: with or without slashes in front.
void RecordName(trace::EventKind kind, NameOf what, const char* name, const Site& site);

// sem_open gave this semaphore: libc gives the same one for the same name until it is closed as often.
void RecordSemaphoreOpen(sem_t* semaphore, const char* name, bool created, const Site& site);
// sem_close took it: its memory is gone if that was the last time.
void RecordSemaphoreClose(sem_t* semaphore);

}  // namespace gordian::record

#endif  // GORDIAN_LIBSYNC_RECORD_NAMED_H_
