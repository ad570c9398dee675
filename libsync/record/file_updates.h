// Files that a thread reads and then rewrites: the facts behind lost updates.
//
// No hook sees a read or a write; what counts is how a file is opened. Each open for reading is remembered by
// a hash of its path, without a system call, in a small table that forgets. Only when the same thread goes on
// to empty the file or to rename another one onto it is the file looked at, and the two become a record.
//
// Not remembered: what is only appended to, what is created exclusively, the files of the kernel in /proc,
// /sys and /dev, and paths relative to a folder's descriptor.
#ifndef GORDIAN_LIBSYNC_RECORD_FILE_UPDATES_H_
#define GORDIAN_LIBSYNC_RECORD_FILE_UPDATES_H_

#include <cstdint>

#include "libsync/record/image.h"
#include "libsync/record/stack.h"

namespace gordian::record {

// Records of one pair of places, and of the whole image: more say nothing new.
inline constexpr uint64_t kUpdatesPerPlace = 64;
inline constexpr uint32_t kMostUpdates = 1024;

// The file was opened with these flags of open(2). `path` as the program gave it.
void AfterOpen(const char* path, int flags, const Site& site);
// `to` is what `from` was.
void AfterRename(const char* from, const char* to, const Site& site);
// The file was cut.
void AfterTruncate(const char* path, const Site& site);
// Relative paths mean other files from now on.
void AfterFolderChange();

}  // namespace gordian::record

#endif  // GORDIAN_LIBSYNC_RECORD_FILE_UPDATES_H_
