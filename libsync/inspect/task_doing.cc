#include "libsync/inspect/task_doing.h"

#include <sys/syscall.h>

#include <optional>

#include "libsync/inspect/calls.h"
#include "libsync/inspect/proc.h"

namespace gordian::inspect {

std::string TaskDoing(pid_t pid, pid_t tid) {
  const std::optional<TaskWait> wait = ReadTaskWait(pid, tid);
  if (!wait || !wait->readable) {
    return "";
  }
  if (wait->running) {
    return "runs";
  }
  const Call* call = FindCall(wait->syscall);
  return call != nullptr ? std::string("is in ") + call->name + "()"
                         : "is in system call " + std::to_string(wait->syscall);
}

bool AwaitsProcess(pid_t pid, pid_t tid) {
  const std::optional<TaskWait> wait = ReadTaskWait(pid, tid);
  return wait && wait->readable && !wait->running &&
         (wait->syscall == SYS_wait4 || wait->syscall == SYS_waitid);
}

}  // namespace gordian::inspect
