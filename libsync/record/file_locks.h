// Locks on files (flock, fcntl, lockf), held for as long as the kernel holds them.
//
//   flock           belongs to the open file description: a second lock through the same description replaces
//                   the first, one through another description waits for it, also in the same thread
//   fcntl, lockf    byte ranges that belong to the process: its threads are never in each other's way, each
//   of
//                   them may give a range back, and closing any descriptor of the file gives all of them back
//   fcntl F_OFD_*   byte ranges that belong to the open file description
//
// One record stands for one file, kind and range; it is named by the file's path and known in other processes
// by device, inode and range. A thread that ends leaves what it locked to the process, a fork child begins
// with nothing: it shares its parent's descriptions, but it did not take the locks.
#ifndef GORDIAN_LIBSYNC_RECORD_FILE_LOCKS_H_
#define GORDIAN_LIBSYNC_RECORD_FILE_LOCKS_H_

#include <cstdint>

#include "libsync/record/acquire.h"
#include "libsync/record/image.h"
#include "libsync/trace/layout.h"

namespace gordian::record {

inline constexpr uint64_t kEndOfFile = UINT64_MAX;

// The bytes [start, end) of an open file; end is kEndOfFile for all that follow, whatever the file's size.
struct FileRange {
  int fd;
  trace::LockKind kind;
  uint64_t start;
  uint64_t end;
};

// An acquisition between its beginning and its end, like Attempt.
struct FileLockAttempt {
  Attempt attempt;
  FileRange range;
  uint64_t device;
  uint64_t inode;
  int owner;  // a descriptor of the description that the lock will belong to
};

FileLockAttempt BeginFileLock(const FileRange& range, trace::Mode mode, Blocking blocking, const Site& site);
void EndFileLock(const FileLockAttempt& begun, bool acquired);
// The range is about to be unlocked.
void ReleaseFileLock(const FileRange& range);

// True while this image holds any file lock, or lost one and has not given it back: the calls that close or
// duplicate descriptors matter then.
inline bool HoldsFileLocks() { return __atomic_load_n(&g_image->file_lock_count, __ATOMIC_RELAXED) != 0; }
// The descriptors [first, last] are about to be closed.
void ReleaseByClose(unsigned first, unsigned last, const Site& site);
// A file was opened.
inline void NoteOpenedFile() {
  if (__builtin_expect(HoldsFileLocks(), 0)) {
    __atomic_fetch_add(&g_image->opened_files, 1, __ATOMIC_RELAXED);
  }
}
// A descriptor was duplicated: the close of one is no longer the end of its description.
inline void NoteDuplicate() { g_image->descriptors_duplicated = true; }

// The thread ends: what it locked is the process's. REQUIRES: inside the recorder.
void LeaveFileLocks(Thread* thread);
// The process is about to fork: whoever shares a description may give its locks back from now on.
// REQUIRES: inside the recorder.
void ShareFileLocks();

}  // namespace gordian::record

#endif  // GORDIAN_LIBSYNC_RECORD_FILE_LOCKS_H_
