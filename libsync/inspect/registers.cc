#include "libsync/inspect/registers.h"

#include <cerrno>

namespace gordian::inspect {
namespace {

// include/linux/errno.h of the kernel: ERESTARTSYS, ERESTARTNOINTR, ERESTARTNOHAND, ERESTART_RESTARTBLOCK.
// What is never begun again (epoll_wait, semtimedop) says EINTR at once.
bool WasInterrupted(int64_t result) {
  return (result <= -512 && result >= -514) || result == -516 || result == -EINTR;
}

}  // namespace

Registers RegistersOf(const TaskWait& wait) {
  Registers registers;
  registers.general[kStackPointer] = wait.sp;
  registers.pc = wait.pc;
  return registers;
}

Registers RegistersOf(const user_regs_struct& user) {
  Registers registers;
  registers.general = {user.rax, user.rdx, user.rcx, user.rbx, user.rsi, user.rdi, user.rbp, user.rsp,
                       user.r8,  user.r9,  user.r10, user.r11, user.r12, user.r13, user.r14, user.r15};
  registers.pc = user.rip;
  return registers;
}

TaskWait WaitOf(const user_regs_struct& user) {
  TaskWait wait;
  wait.readable = true;
  wait.sp = user.rsp;
  wait.pc = user.rip;
  const auto call = static_cast<int64_t>(user.orig_rax);
  wait.running = call < 0 || !WasInterrupted(static_cast<int64_t>(user.rax));
  if (!wait.running) {
    wait.syscall = call;
    wait.args = {user.rdi, user.rsi, user.rdx, user.r10, user.r8, user.r9};
  }
  return wait;
}

}  // namespace gordian::inspect
