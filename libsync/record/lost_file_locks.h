// POSIX locks that a process lost without asking: closing any descriptor of a file gives back all that the
// process has locked of it (fcntl(2), "Record locking and POSIX"), whoever locked it and through whichever
// descriptor. Told where the descriptor that it was locked through stays open.
//
// What comes next decides whether it matters. A thread that gives the lock back itself before it has done
// anything else (taken a lock, opened a file, written to this one) did nothing without it.
//
// REQUIRES for all: inside the recorder.
#ifndef GORDIAN_LIBSYNC_RECORD_LOST_FILE_LOCKS_H_
#define GORDIAN_LIBSYNC_RECORD_LOST_FILE_LOCKS_H_

#include <cstdint>

#include "libsync/record/file_locks.h"
#include "libsync/record/thread.h"
#include "libsync/trace/layout.h"

namespace gordian::record {

// What was held and is gone.
struct LostHolding {
  uint64_t device;
  uint64_t inode;
  FileRange range;  // and the descriptor that is open still
  trace::Mode mode;
  trace::Ref lock;
  trace::Ref stack;  // where it was taken
};

void RecordFileLockLost(Thread* thread, const LostHolding& lost, const Site& site);
// The program closes that descriptor, or locks or unlocks bytes of the file.
void NoteGivenBack(Thread* thread, int fd);
void NoteGivenBack(Thread* thread, uint64_t device, uint64_t inode, uint64_t start, uint64_t end);
// The process ends by its own doing.
void NoteAllGivenBack(Thread* thread);
// It is going to be written to.
void NoteFileWritten(int fd);

// A lock that could be what another process lost.
void RecordFileLockTaken(Thread* thread, trace::Ref lock, trace::Ref stack, trace::Mode mode);

}  // namespace gordian::record

#endif  // GORDIAN_LIBSYNC_RECORD_LOST_FILE_LOCKS_H_
