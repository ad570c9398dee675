// Tells what kind of program an executable file is: whether a preloaded library can get into it.
//
// Thread safety: functions without shared state; call them from any thread.
#ifndef GORDIAN_LIBSYNC_INSPECT_ELF_KIND_H_
#define GORDIAN_LIBSYNC_INSPECT_ELF_KIND_H_

#include <sys/types.h>

#include <string>

namespace gordian::inspect {

enum class ExecutableKind {
  kDynamicGlibc,
  kStatic,
  kMusl,
  k32Bit,
  kOtherMachine,  // a 64-bit program for another processor
  kScript,
  kNotElf,
  kUnreadable,
};

struct Executable {
  ExecutableKind kind = ExecutableKind::kUnreadable;
  // What stands behind "#!" in a script, and its kind. Only one level is followed: kScript for a script
  // again.
  std::string interpreter;
  ExecutableKind interpreter_kind = ExecutableKind::kUnreadable;
  // Of the file that the kernel loads: of a script, its interpreter.
  bool setuid = false;
  bool setgid = false;
  bool file_capabilities = false;
  uid_t owner = 0;
  gid_t group = 0;
};

// Follows symbolic links. "/proc/PID/exe" is a good path, too.
Executable Classify(const std::string& path);

// Why a process of the real user `uid` and group `gid` that executes this file leaves no trace, for people:
// "statically linked", "setuid", "32-bit", "linked with musl" ... Empty: nothing speaks against one.
std::string WhyUnseen(const Executable& executable, uid_t uid, gid_t gid);

}  // namespace gordian::inspect

#endif  // GORDIAN_LIBSYNC_INSPECT_ELF_KIND_H_
