// Where the C library keeps what in its synchronisation objects: one row for each processor and range of
// glibc versions. What is in no row is not guessed: such objects stay unknown.
//
// Thread safety: functions without shared state.
#ifndef GORDIAN_LIBSYNC_INSPECT_LIBC_LAYOUT_H_
#define GORDIAN_LIBSYNC_INSPECT_LIBC_LAYOUT_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "libsync/inspect/address_space.h"
#include "libsync/inspect/memory.h"

namespace gordian::inspect {

// Offsets in bytes from the start of the object; kUnknownOffset: this version moved it somewhere else.
inline constexpr uint32_t kUnknownOffset = UINT32_MAX;

struct LibcLayout {
  const char* machine;
  int first;  // glibc 2.first to 2.last
  int last;
  // pthread_mutex_t: the futex stands at 0 (nptl/pthreadP.h, sysdeps/nptl/bits/struct_mutex.h).
  uint32_t mutex_owner;
  uint32_t mutex_users;
  uint32_t mutex_kind;
  // pthread_rwlock_t: readers wait at 0 or at the phase, writers at the phase or at their own word.
  uint32_t rwlock_phase;
  uint32_t rwlock_writers;
  uint32_t rwlock_current_writer;
  uint32_t rwlock_shared;
  uint32_t rwlock_flags;
  // pthread_cond_t: waiters of one of two groups wait at the group's signals.
  uint32_t condition_signals;
  uint32_t condition_references;
  // sem_t: the value stands at 0.
  uint32_t semaphore_shared;
  // pthread_barrier_t: a round is waited for, and its departures.
  uint32_t barrier_round;
  uint32_t barrier_out;
  // struct pthread: its own address, and the word that the kernel clears at the thread's end.
  uint32_t thread_self;
  uint32_t thread_tid;
};

// The row for this minor version (36 of "2.36") on this machine; nullptr: none.
const LibcLayout* FindLayout(int minor);

// The minor version of the glibc that is mapped there, by the text in its memory; 0: none is.
int LibcMinorVersion(const AddressSpace& space, const Memory& memory);

// Whether a module is the C library, by its file's name.
bool IsLibc(std::string_view path);

// The row of the process, nullptr where its C library is not known. A statically linked program has one that
// holds for every version.
const LibcLayout* LayoutOf(const AddressSpace& space, const Memory& memory);

// The table against the C library that runs here: makes objects, holds them, and looks for the holder where
// the table says. Returns what is not so, empty if nothing.
std::string TestLayout();

}  // namespace gordian::inspect

#endif  // GORDIAN_LIBSYNC_INSPECT_LIBC_LAYOUT_H_
