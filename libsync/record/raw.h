// System calls and clocks that no hook can see, that never touch errno and never allocate.
#ifndef GORDIAN_LIBSYNC_RECORD_RAW_H_
#define GORDIAN_LIBSYNC_RECORD_RAW_H_

#include <sys/syscall.h>
#include <time.h>

#include <cstddef>
#include <cstdint>

namespace gordian::record {

// Returns the kernel's result: negative errno on failure.
inline long RawSyscall(long number, long a = 0, long b = 0, long c = 0, long d = 0, long e = 0, long f = 0) {
  long result;
  register long r10 __asm__("r10") = d;
  register long r8 __asm__("r8") = e;
  register long r9 __asm__("r9") = f;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
}

// A sandbox was seen to begin: a system call of ours could be the one that it kills for. Whoever would make
// one that every program does not make anyway asks this first. Never reset; a fork child keeps it, as it
// keeps the sandbox.
extern bool g_no_syscalls;

template <typename T>
inline long ToRaw(T* pointer) {
  return reinterpret_cast<long>(pointer);
}

inline int RawGetpid() { return static_cast<int>(RawSyscall(SYS_getpid)); }
// The calling thread's id: from the libc's own field once that proved itself (libc_facts.h), else from the
// kernel.
int OwnTid();
// Proves the field: true if it is right. Call once, outside any sandbox.
bool ProveOwnTid();

// Asks the kernel whether memory of the program's can be read or written, where libc would not touch it and
// the recorder must not be the one that crashes. In a sandbox nobody is asked: such memory is then not read,
// and taken for writable.
bool IsReadable(const void* address, size_t bytes);
bool IsWritable(uint64_t* word);
// What a program passes on for the kernel to judge. In a sandbox it is believed.
class ReadableMemory {
 public:
  bool Covers(const void* address);
  // The length of a text; -1 when it runs into memory that cannot be read.
  long LengthOf(const char* text);

 private:
  uintptr_t page_ = ~uintptr_t{0};  // the last one that was asked for: texts lie side by side
};

// When g_no_syscalls was set.
extern uint64_t g_last_ns;

// libc's own clock_gettime: a library that changes the time for the program (libfaketime) changes none of
// ours.
using ClockGettime = int(clockid_t, timespec*);
extern ClockGettime* g_clock_gettime;

// CLOCK_MONOTONIC through the vDSO: no kernel entry on ordinary machines. In a sandbox time stands still:
// where the vDSO must ask the kernel, and in strict mode, which forbids reading the processor's counter,
// looking at the clock is death.
inline uint64_t NowNs() {
  if (g_no_syscalls) {
    return g_last_ns;
  }
  timespec now;
  g_clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1000000000u + static_cast<uint64_t>(now.tv_nsec);
}

// Copies from an address that may be bad: the kernel looks first. Both must be aligned to 4 bytes and lie in
// at most two pages. False: nothing was copied.
bool CopyFrom(void* to, const void* from, size_t bytes);

// Reads a small file whole; returns the bytes read (at most size - 1, NUL-terminated) or a negative errno.
long ReadSmallFile(const char* path, char* buffer, long size);

}  // namespace gordian::record

#endif  // GORDIAN_LIBSYNC_RECORD_RAW_H_
