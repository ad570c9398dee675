// Who initialises a function's static variable. The guard of such a variable says that somebody does, and not
// who: it is the thread that is in the function which took the guard.
//
// A thread has it if one of its frames is in a function whose code refers to the guard, other than the frame
// in which it waits for the guard itself. Where not exactly one thread does, nobody is named.
//
// Thread safety: functions without shared state.
#ifndef GORDIAN_LIBSYNC_INSPECT_STATIC_GUARDS_H_
#define GORDIAN_LIBSYNC_INSPECT_STATIC_GUARDS_H_

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "libsync/inspect/memory.h"

namespace gordian::inspect {

// Of __cxa_guard_acquire in libstdc++, as Unwinder::FunctionAt gives it.
inline constexpr char kGuardAcquire[] = "cxa_guard_acquire";

struct GuardSearch {
  const Memory* memory = nullptr;
  std::function<std::string(uint64_t address)> function_at;
  // Of all threads, innermost first; all but the first are return addresses.
  const std::map<pid_t, std::vector<uint64_t>>* stacks = nullptr;
  std::function<bool(pid_t tid)> waits_for_it;
};

// 0: not known.
pid_t FindInitializer(uint64_t guard, const GuardSearch& search);

}  // namespace gordian::inspect

#endif  // GORDIAN_LIBSYNC_INSPECT_STATIC_GUARDS_H_
