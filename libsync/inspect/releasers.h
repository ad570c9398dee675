// Who could end a wait that no lock's holder ends: the processes with the other end of a pipe, with a file
// lock, with the memory of a shared semaphore; the children that are waited for; for an object of one process
// alone, that process.
//
// Named are only waits of which all who could end them are known and in the Run. Everything else stays a wait
// that somebody outside can end.
//
// Thread safety: functions without shared state.
#ifndef GORDIAN_LIBSYNC_INSPECT_RELEASERS_H_
#define GORDIAN_LIBSYNC_INSPECT_RELEASERS_H_

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <vector>

#include "libsync/inspect/address_space.h"
#include "libsync/inspect/proc.h"
#include "libsync/trace/run.h"

namespace gordian::inspect {

struct WaitFacts {
  TaskWait call;
  bool is_futex = false;
  bool shared = false;   // the futex of several processes
  uint64_t address = 0;  // of the object that the futex belongs to
};

// What more than its trace::Process is known of a process.
struct ProcessFacts {
  std::map<pid_t, WaitFacts> waits;  // by tid
  const AddressSpace* space = nullptr;
  bool traced = false;  // by a debugger, which may do anything
};

// `facts` belongs to run->processes. Fills Wait::releasers and Process::caught_signals.
void NameReleasers(const std::vector<ProcessFacts>& facts, trace::Run* run);

}  // namespace gordian::inspect

#endif  // GORDIAN_LIBSYNC_INSPECT_RELEASERS_H_
