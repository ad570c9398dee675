// Why the kernel does not let us look into a process, and what would make it.
//
// Thread safety: functions without shared state.
#ifndef GORDIAN_LIBSYNC_INSPECT_PERMISSION_H_
#define GORDIAN_LIBSYNC_INSPECT_PERMISSION_H_

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>

namespace gordian::inspect {

struct Access {
  uid_t ours = 0;
  std::optional<uid_t> theirs;  // the user of the process, if the kernel tells
  int yama_scope = 0;           // kernel.yama.ptrace_scope; 0 where the kernel has no such thing
};

// The text of /proc/sys/kernel/yama/ptrace_scope.
int ParseYamaScope(std::string_view text);
Access ReadAccess(pid_t pid);

// For people, in two sentences: what is missing, and how to get it.
std::string WhyNotPermitted(const Access& access);

}  // namespace gordian::inspect

#endif  // GORDIAN_LIBSYNC_INSPECT_PERMISSION_H_
