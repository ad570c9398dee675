#include "libsync/inspect/stopped_thread.h"

#include <sys/ptrace.h>
#include <sys/wait.h>

#include <chrono>
#include <thread>

namespace gordian::inspect {
namespace {

// One that waits for a disk does not stop before the disk has answered.
constexpr int kMostMilliseconds = 200;

}  // namespace

StoppedThread::StoppedThread(pid_t tid) : tid_(tid) {
  if (ptrace(PTRACE_SEIZE, tid, nullptr, nullptr) != 0 ||
      ptrace(PTRACE_INTERRUPT, tid, nullptr, nullptr) != 0) {
    return;
  }
  int status = 0;
  pid_t seen = 0;
  for (int i = 0; i < kMostMilliseconds && (seen = waitpid(tid, &status, __WALL | WNOHANG)) == 0; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  stopped_ = seen == tid && WIFSTOPPED(status);
  if (!stopped_) {
    return;
  }
  // A signal came first: it is the thread's.
  const bool asked_for = status >> 16 == PTRACE_EVENT_STOP;
  signal_ = asked_for ? 0 : WSTOPSIG(status);
  user_regs_struct registers{};
  if (ptrace(PTRACE_GETREGS, tid, nullptr, &registers) == 0) {
    registers_ = registers;
  }
}

StoppedThread::~StoppedThread() {
  if (stopped_) {
    ptrace(PTRACE_DETACH, tid_, nullptr, signal_);
  }
}

}  // namespace gordian::inspect
