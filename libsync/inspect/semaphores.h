// System V semaphores that threads wait for.
//
// Thread safety: functions without shared state.
#ifndef GORDIAN_LIBSYNC_INSPECT_SEMAPHORES_H_
#define GORDIAN_LIBSYNC_INSPECT_SEMAPHORES_H_

#include <string>

#include "libsync/inspect/memory.h"
#include "libsync/inspect/proc.h"

namespace gordian::inspect {

// For people: "semaphore 1 of set 5, last changed by process 12". Whoever has the right to may post it, so
// that this names a trail and no holder.
std::string DescribeSemaphore(const TaskWait& wait, const Memory& memory);

}  // namespace gordian::inspect

#endif  // GORDIAN_LIBSYNC_INSPECT_SEMAPHORES_H_
