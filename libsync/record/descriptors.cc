#include "libsync/record/descriptors.h"

#include <sys/stat.h>

#include "libsync/record/raw.h"
#include "libsync/record/table.h"

namespace gordian::record {

constinit End* g_ends = nullptr;
constinit unsigned g_end_bound = 0;

namespace {

constinit Descriptor g_descriptors[kMostDescriptorsKnown]{};
constinit uint64_t g_numbers = 0;
constinit unsigned g_highest = 0;  // of which anything is known

// A vfork child has descriptors of its own, but our memory.
bool IsKept(int fd) { return static_cast<unsigned>(fd) < g_end_bound && t_vfork_depth == 0; }

void RaiseHighest(int fd) {
  const auto wanted = static_cast<unsigned>(fd);
  unsigned highest = __atomic_load_n(&g_highest, __ATOMIC_RELAXED);
  while (highest < wanted && !__atomic_compare_exchange_n(&g_highest, &highest, wanted, true,
                                                          __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
  }
}

void ClearEnds(int fd) {
  End* first = EndAt(fd, Flow::kTake);
  for (End* end = first; end != first + 2; ++end) {
    if (end->use != static_cast<uint8_t>(EndUse::kUnknown) || end->channel != 0) {
      SetUse(end, EndUse::kUnknown);
      __atomic_store_n(&end->channel, 0, __ATOMIC_RELAXED);
      __atomic_store_n(&end->last, 0, __ATOMIC_RELAXED);
      end->looks = 0;
    }
  }
}

uint64_t InodeOf(int fd) {
  struct stat status;
  return RawSyscall(SYS_fstat, fd, ToRaw(&status)) == 0 ? status.st_ino : 0;
}

}  // namespace

void PrepareDescriptors() {
  g_ends = static_cast<End*>(MapWipedOnFork(2 * kMostDescriptorsKnown * sizeof(End)));
  g_end_bound = g_ends != nullptr ? kMostDescriptorsKnown : 0;
}

Descriptor DescriptorAt(int fd) {
  return static_cast<unsigned>(fd) < kMostDescriptorsKnown ? g_descriptors[fd] : Descriptor{};
}

void SetDetail(int fd, uint64_t detail) {
  if (IsKept(fd)) {
    g_descriptors[fd].detail = detail;
    RaiseHighest(fd);
  }
}

void KeepInMind(int fd) { RaiseHighest(fd); }

void NoteDescriptor(int fd, DescriptorKind kind, uint64_t detail) {
  if (IsKept(fd)) {
    g_descriptors[fd] = Descriptor{kind, detail};
    RaiseHighest(fd);
    ClearEnds(fd);
  }
}

void NoteSocketPair(const int* fds) {
  const uint64_t inodes[] = {g_no_syscalls ? 0 : InodeOf(fds[0]), g_no_syscalls ? 0 : InodeOf(fds[1])};
  NoteDescriptor(fds[0], DescriptorKind::kSocket, inodes[1]);
  NoteDescriptor(fds[1], DescriptorKind::kSocket, inodes[0]);
}

uint64_t NewDescriptorNumber() {
  const uint64_t number = __atomic_add_fetch(&g_numbers, 1, __ATOMIC_RELAXED);
  const auto pid = static_cast<uint64_t>(g_no_syscalls ? 0 : RawGetpid());
  return MixBits(NowNs() ^ pid << 40 ^ number << 24) | 1;
}

void ForgetEnds(int fd) {
  if (IsKept(fd)) {
    ClearEnds(fd);
  }
}

void ForgetDescriptor(int fd) {
  if (IsKept(fd)) {
    if (g_descriptors[fd].kind != DescriptorKind::kUnknown) {
      g_descriptors[fd] = Descriptor{};
    }
    ClearEnds(fd);
  }
}

void ForgetDescriptors(unsigned first, unsigned last) {
  // What was learnt is reset at the latest when the number is given to something else by a hooked call.
  const unsigned highest = __atomic_load_n(&g_highest, __ATOMIC_RELAXED);
  for (unsigned fd = first; t_vfork_depth == 0 && fd <= last && fd <= highest; ++fd) {
    ForgetDescriptor(static_cast<int>(fd));
  }
}

void CopyDescriptor(int from, int to) {
  if (from != to && IsKept(to)) {
    g_descriptors[to] = DescriptorAt(from);
    RaiseHighest(to);
    ClearEnds(to);
  }
}

}  // namespace gordian::record
