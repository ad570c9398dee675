#include "libsync/record/last_looks.h"

#include <sys/syscall.h>

#include <cstdint>

#include "libsync/record/raw.h"
#include "libsync/record/text.h"
#include "libsync/record/thread.h"
#include "libsync/trace/layout.h"

namespace gordian::record {
namespace {

// A pool of more threads is known by these.
constexpr int kMostLooks = 64;

// Where a call has its timeout: none means that it lasts until somebody ends it.
struct TimedCall {
  long number;
  int argument;
  bool milliseconds;  // negative for none; else a pointer, null for none
};
constexpr TimedCall kTimedCalls[] = {
    {SYS_futex, 3, false},        {SYS_poll, 2, true},          {SYS_ppoll, 2, false},
    {SYS_select, 4, false},       {SYS_pselect6, 4, false},     {SYS_epoll_wait, 3, true},
    {SYS_epoll_pwait, 3, true},   {SYS_epoll_pwait2, 3, false}, {SYS_rt_sigtimedwait, 2, false},
    {SYS_semtimedop, 3, false},   {SYS_recvmmsg, 4, false},     {SYS_mq_timedreceive, 4, false},
    {SYS_mq_timedsend, 4, false}, {SYS_io_getevents, 4, false},
};

uint64_t ParseHex(const char** text) {
  uint64_t value = 0;
  for (*text += 2;; ++*text) {  // after "0x"
    const char digit = **text;
    if (digit >= '0' && digit <= '9') {
      value = value * 16 + static_cast<uint64_t>(digit - '0');
    } else if (digit >= 'a' && digit <= 'f') {
      value = value * 16 + static_cast<uint64_t>(digit - 'a' + 10);
    } else {
      return value;
    }
  }
}

// "202 0x7ffe... 0x80 ..." is a call that the thread sleeps in; others say "running", or -1 outside of calls.
bool IsUntimedCall(const char* text) {
  if (*text < '0' || *text > '9') {
    return false;
  }
  const auto number = static_cast<long>(ParseUnsigned(text));
  if (number == SYS_nanosleep || number == SYS_clock_nanosleep) {
    return false;
  }
  for (const TimedCall& call : kTimedCalls) {
    if (call.number != number) {
      continue;
    }
    uint64_t value = 0;
    for (int argument = 0; argument <= call.argument; ++argument) {
      while (*text != '\0' && *text != ' ') {
        ++text;
      }
      if (text[0] == '\0' || text[1] != '0') {
        return false;
      }
      ++text;
      value = ParseHex(&text);
    }
    return call.milliseconds ? static_cast<int32_t>(value) < 0 : value == 0;
  }
  return true;
}

bool IsIdle(int32_t tid) {
  TextBuffer path;
  path.Append("/proc/self/task/");
  path.AppendNumber(static_cast<uint64_t>(tid));
  path.Append("/syscall");
  char text[256];
  return ReadSmallFile(path.text(), text, sizeof(text)) > 0 && IsUntimedCall(text);
}

}  // namespace

void MarkIdleThreads() {
  if (g_no_syscalls) {
    return;
  }
  int looks = 0;
  ForEachThread([&looks](Thread* thread) {
    constexpr uint32_t nobody_joins =
        trace::kMainThread | trace::kDetached | trace::kJoined | trace::kAdopted;
    if (thread != t_thread && !thread->finished &&
        (__atomic_load_n(&thread->record->flags, __ATOMIC_RELAXED) & nobody_joins) == 0 &&
        looks++ < kMostLooks && IsIdle(thread->own_slot->tid)) {
      __atomic_fetch_or(&thread->record->flags, trace::kIdleAtEnd, __ATOMIC_RELAXED);
    }
  });
}

}  // namespace gordian::record
