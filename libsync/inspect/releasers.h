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
#include <optional>
#include <set>
#include <string>
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
  pid_t owner = 0;       // of a lock, see FutexWait
};

// What more than its trace::Process is known of a process.
struct ProcessFacts {
  std::map<pid_t, WaitFacts> waits;  // by tid
  const AddressSpace* space = nullptr;
  const std::map<pid_t, trace::Index>* threads = nullptr;  // by the numbers that the process itself knows
  bool traced = false;                                     // by a debugger, which may do anything
  uint64_t blocked_signals = 0;                            // by all of its threads
};

// Who else may have what the looked-at processes wait at.
struct Surroundings {
  // The processes below the caller, where all that are looked at are such: anybody else has of theirs what he
  // can be seen to have, and what is `given`. nullopt: nothing is known of them.
  std::optional<std::set<pid_t>> family;
  std::set<std::string> given;  // what the first of the family was started with, as in DescriptorTarget

  // Whether a process that does not let us look may have it.
  bool Counts(pid_t pid) const;
};

// Which child a thread waits for: its pid as the thread knows it, or -1 for any. nullopt: for none, or for
// one that is not known.
std::optional<int64_t> AwaitedChild(const TaskWait& wait);

// Whether such a wait may turn out to be one that only certain processes can end; cheap. False for timed
// ones, terminals, and all that anybody may end.
bool MayHaveReleasers(pid_t pid, const TaskWait& wait, const Surroundings& surroundings);

// `facts` belongs to run->processes. Fills Wait::releasers, Wait::named, Wait::writes, and the
// signals of the processes. Returns
// processes that are not in the Run and could end one of the waits.
std::set<pid_t> NameReleasers(const std::vector<ProcessFacts>& facts, const Surroundings& surroundings,
                              trace::Run* run);

}  // namespace gordian::inspect

#endif  // GORDIAN_LIBSYNC_INSPECT_RELEASERS_H_
