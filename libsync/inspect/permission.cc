#include "libsync/inspect/permission.h"

#include <unistd.h>

#include "libsync/inspect/words.h"

namespace gordian::inspect {
namespace {

constexpr const char* kHowToGetIt =
    "Run gordian as root (it needs the capability CAP_SYS_PTRACE); for a container: docker run "
    "--pid=container:NAME "
    "--cap-add SYS_PTRACE, or kubectl debug --target=CONTAINER --profile=sysadmin";

}  // namespace

int ParseYamaScope(std::string_view text) {
  int scope = 0;
  return Words(text).Take(&scope) ? scope : 0;
}

Access ReadAccess(pid_t pid) {
  Access access;
  access.ours = geteuid();
  if (const auto status = ReadProcFile(pid, "status")) {
    uid_t uid = 0;
    if (Words(StatusField(*status, "Uid")).Take(&uid)) {
      access.theirs = uid;
    }
  }
  if (const auto scope = ReadText("/proc/sys/kernel/yama/ptrace_scope")) {
    access.yama_scope = ParseYamaScope(*scope);
  }
  return access;
}

std::string WhyNotPermitted(const Access& access) {
  std::string why;
  if (access.yama_scope == 3) {
    return "kernel.yama.ptrace_scope is 3: nobody may look into another process until the machine is started "
           "again";
  }
  if (access.theirs && *access.theirs != access.ours && access.ours != 0) {
    why = "it belongs to user " + std::to_string(*access.theirs) + ", and this is user " +
          std::to_string(access.ours);
  } else if (access.yama_scope == 2) {
    why = "kernel.yama.ptrace_scope is 2: only root may look into another process";
  } else if (access.yama_scope == 1) {
    why =
        "kernel.yama.ptrace_scope is 1: only root and a process's own ancestors may look into it (sysctl "
        "kernel.yama.ptrace_scope=0 lets its user)";
  } else {
    why = "it is protected (it changed its user, or has more capabilities than this process)";
  }
  return why + ". " + kHowToGetIt;
}

}  // namespace gordian::inspect
