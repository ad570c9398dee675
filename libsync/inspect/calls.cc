#include "libsync/inspect/calls.h"

#include <sys/syscall.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <iterator>

namespace gordian::inspect {
namespace {

using Timeout = Call::Timeout;

// Newer than some kernel headers; the numbers are the same on all machines.
constexpr int64_t kEpollPwait2 = 441;
constexpr int64_t kFutexWaitv = 449;

constexpr Call kCalls[] = {
    {SYS_futex, "futex", -1, Timeout::kPointer, 3},
    {kFutexWaitv, "futex_waitv", -1, Timeout::kPointer, 3},
    {SYS_nanosleep, "nanosleep", -1, Timeout::kAlways, 0},
    {SYS_clock_nanosleep, "nanosleep", -1, Timeout::kAlways, 0},
    {SYS_poll, "poll", -1, Timeout::kMilliseconds, 2},
    {SYS_ppoll, "poll", -1, Timeout::kPointer, 2},
    {SYS_select, "select", -1, Timeout::kPointer, 4},
    {SYS_pselect6, "select", -1, Timeout::kPointer, 4},
    {SYS_epoll_wait, "epoll_wait", 0, Timeout::kMilliseconds, 3},
    {SYS_epoll_pwait, "epoll_wait", 0, Timeout::kMilliseconds, 3},
    {kEpollPwait2, "epoll_wait", 0, Timeout::kPointer, 3},
    {SYS_io_uring_enter, "io_uring_enter", 0, Timeout::kNever, 0},
    {SYS_read, "read", 0, Timeout::kNever, 0},
    {SYS_readv, "readv", 0, Timeout::kNever, 0},
    {SYS_pread64, "pread", 0, Timeout::kNever, 0},
    {SYS_write, "write", 0, Timeout::kNever, 0},
    {SYS_writev, "writev", 0, Timeout::kNever, 0},
    {SYS_splice, "splice", 0, Timeout::kNever, 0},
    {SYS_fsync, "fsync", 0, Timeout::kNever, 0},
    {SYS_fdatasync, "fdatasync", 0, Timeout::kNever, 0},
    {SYS_recvfrom, "recv", 0, Timeout::kNever, 0},
    {SYS_recvmsg, "recvmsg", 0, Timeout::kNever, 0},
    {SYS_recvmmsg, "recvmmsg", 0, Timeout::kPointer, 4},
    {SYS_sendto, "send", 0, Timeout::kNever, 0},
    {SYS_sendmsg, "sendmsg", 0, Timeout::kNever, 0},
    {SYS_accept, "accept", 0, Timeout::kNever, 0},
    {SYS_accept4, "accept", 0, Timeout::kNever, 0},
    {SYS_connect, "connect", 0, Timeout::kNever, 0},
    {SYS_flock, "flock", 0, Timeout::kNever, 0},
    {SYS_fcntl, "fcntl", 0, Timeout::kNever, 0},
    {SYS_openat, "open", -1, Timeout::kNever, 0},
    {SYS_open, "open", -1, Timeout::kNever, 0},
    {SYS_wait4, "waitpid", -1, Timeout::kNever, 0},
    {SYS_waitid, "waitpid", -1, Timeout::kNever, 0},
    {SYS_vfork, "vfork", -1, Timeout::kNever, 0},
    {SYS_clone, "clone", -1, Timeout::kNever, 0},
    {SYS_clone3, "clone", -1, Timeout::kNever, 0},
    {SYS_pause, "pause", -1, Timeout::kNever, 0},
    {SYS_rt_sigsuspend, "sigsuspend", -1, Timeout::kNever, 0},
    {SYS_rt_sigtimedwait, "sigwait", -1, Timeout::kPointer, 2},
    {SYS_semop, "semop", -1, Timeout::kNever, 0},
    {SYS_semtimedop, "semop", -1, Timeout::kPointer, 3},
    {SYS_msgrcv, "msgrcv", -1, Timeout::kNever, 0},
    {SYS_msgsnd, "msgsnd", -1, Timeout::kNever, 0},
    {SYS_mq_timedreceive, "mq_receive", 0, Timeout::kPointer, 4},
    {SYS_mq_timedsend, "mq_send", 0, Timeout::kPointer, 4},
    {SYS_io_getevents, "io_getevents", -1, Timeout::kPointer, 4},
};

}  // namespace

const Call* FindCall(int64_t number) {
  const auto* const found = std::find_if(std::begin(kCalls), std::end(kCalls),
                                         [number](const Call& c) { return c.number == number; });
  return found == std::end(kCalls) ? nullptr : found;
}

bool IsRead(int64_t number) {
  return number == SYS_read || number == SYS_readv || number == SYS_recvfrom || number == SYS_recvmsg;
}

bool IsInputOutput(int64_t number) {
  switch (number) {
    case SYS_read:
    case SYS_readv:
    case SYS_pread64:
    case SYS_write:
    case SYS_writev:
    case SYS_recvfrom:
    case SYS_recvmsg:
    case SYS_sendto:
    case SYS_sendmsg:
    case SYS_accept:
    case SYS_accept4:
    case SYS_connect:
    case SYS_poll:
    case SYS_ppoll:
    case SYS_select:
    case SYS_pselect6:
    case SYS_epoll_wait:
    case SYS_epoll_pwait:
    case SYS_fsync:
    case SYS_fdatasync:
    case SYS_openat:
      return true;
    default:
      return false;
  }
}

bool IsTimed(const TaskWait& wait) {
  const Call* call = FindCall(wait.syscall);
  if (call == nullptr) {
    return false;
  }
  const uint64_t argument = wait.args[static_cast<size_t>(call->timeout_argument)];
  switch (call->timeout) {
    case Timeout::kAlways:
      return true;
    case Timeout::kPointer:
      return argument != 0;
    case Timeout::kMilliseconds:
      return static_cast<int32_t>(argument) >= 0;
    case Timeout::kNever:
      break;
  }
  return false;
}

// Of x86-64: "mov $number, %eax" stands close before the call.
TaskWait AsItBegan(const TaskWait& wait, const Memory& memory) {
  constexpr int64_t restarted[] = {SYS_futex, SYS_nanosleep, SYS_clock_nanosleep, SYS_poll};
  constexpr uint8_t move_to_eax = 0xB8;
  std::array<uint8_t, 40> code{};
  if (!wait.readable || wait.running || wait.syscall != SYS_restart_syscall ||
      memory.Read(wait.pc - code.size(), code.data(), code.size()) != code.size()) {
    return wait;
  }
  TaskWait began = wait;
  for (size_t at = 0; at + 5 <= code.size(); ++at) {
    int32_t number = 0;
    std::memcpy(&number, &code[at + 1], sizeof(number));
    if (code[at] == move_to_eax &&
        std::find(std::begin(restarted), std::end(restarted), number) != std::end(restarted)) {
      began.syscall = number;  // the last one counts
    }
  }
  return began;
}

}  // namespace gordian::inspect
