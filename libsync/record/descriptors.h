// What each descriptor is, as far as it hands something over: two ends, one to give through and one to take
// through, each with a byte that most reads and writes look at and nothing else.
//
// What a hook saw being made is known; the rest is asked of the kernel once, by fstat. Descriptors that libc
// opens and closes behind the hooks may be taken for what they were before until they are used again.
//
// Thread safety: all of it; of two threads that learn at the same time one is believed.
#ifndef GORDIAN_LIBSYNC_RECORD_DESCRIPTORS_H_
#define GORDIAN_LIBSYNC_RECORD_DESCRIPTORS_H_

#include <cstdint>

#include "libsync/record/thread.h"
#include "libsync/trace/layout.h"

namespace gordian::record {

enum class Flow : uint8_t { kTake = 0, kGive = 1 };

enum class EndUse : uint8_t {
  kUnknown = 0,  // not looked at yet
  kNothing = 1,  // hands nothing over: a file, a terminal, a socket to the outside
  kSpent = 2,    // hands over, but as much was told of it as will be
  kOpen = 3,
};

// One way through a descriptor, in wiped memory: a fork child looks again.
struct End {
  trace::Ref channel;  // its record; 0: not known yet
  uint16_t looks;
  uint8_t use;  // EndUse
  uint8_t reserved;
  // Who came by last and what it knew then, in one word: see channels.cc.
  uint64_t last;
};

// Higher descriptors hand nothing over.
inline constexpr unsigned kMostDescriptorsKnown = 1 << 16;
extern End* g_ends;           // two for each descriptor
extern unsigned g_end_bound;  // descriptors that have them; 0 before PrepareDescriptors

// Once, with the image.
void PrepareDescriptors();

enum class DescriptorKind : uint8_t {
  kUnknown,
  kPipe,
  kSocket,
  kEventfd,
  kEpoll,
  kSignalfd,
  kMessageQueue,
};
// Survives fork, as descriptors do.
struct Descriptor {
  DescriptorKind kind;
  // Eventfd, epoll: a number of its own; 0: ask the kernel. Socket: the inode of its peer, 0 unknown.
  // Signalfd: its signals.
  uint64_t detail;
};
Descriptor DescriptorAt(int fd);
void SetDetail(int fd, uint64_t detail);
// One of its ends was written to: it is among those that a closing of many has to look at.
void KeepInMind(int fd);

// A descriptor was made. After the real call, which may have failed.
void NoteDescriptor(int fd, DescriptorKind kind, uint64_t detail = 0);
void NoteSocketPair(const int* fds);
// A number that no other descriptor of the run has.
uint64_t NewDescriptorNumber();
// What is known of its ends is out of date.
void ForgetEnds(int fd);
// It is going to be closed, or is another one now: nothing is known of it.
void ForgetDescriptor(int fd);
void ForgetDescriptors(unsigned first, unsigned last);
// `to` is a duplicate of `from` from now on.
void CopyDescriptor(int from, int to);

inline End* EndAt(int fd, Flow flow) {
  return static_cast<unsigned>(fd) < g_end_bound
             ? &g_ends[2 * static_cast<unsigned>(fd) + static_cast<unsigned>(flow)]
             : nullptr;
}
// The byte. A load, for most calls the only one.
inline EndUse UseOf(int fd, Flow flow) {
  const End* end = EndAt(fd, flow);
  return end == nullptr ? EndUse::kNothing
                        : static_cast<EndUse>(__atomic_load_n(&end->use, __ATOMIC_RELAXED));
}
inline void SetUse(End* end, EndUse use) {
  __atomic_store_n(&end->use, static_cast<uint8_t>(use), __ATOMIC_RELAXED);
}

}  // namespace gordian::record

#endif  // GORDIAN_LIBSYNC_RECORD_DESCRIPTORS_H_
