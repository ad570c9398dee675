// What a thread waits for in poll, select, epoll_wait and their kin.
//
// Thread safety: functions without shared state.
#ifndef GORDIAN_LIBSYNC_INSPECT_POLLED_H_
#define GORDIAN_LIBSYNC_INSPECT_POLLED_H_

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "libsync/inspect/memory.h"
#include "libsync/inspect/proc.h"

namespace gordian::inspect {

// One of the descriptors; any of them ends the wait.
struct Polled {
  int number = 0;
  bool reads = false;
  bool writes = false;
  bool operator==(const Polled&) const = default;
};

bool IsPoll(int64_t number);
bool IsEpoll(int64_t number);

// nullopt: it cannot be read, or it is more than a few.
std::optional<std::vector<Polled>> PolledBy(pid_t pid, const TaskWait& wait, const Memory& memory);

}  // namespace gordian::inspect

#endif  // GORDIAN_LIBSYNC_INSPECT_POLLED_H_
