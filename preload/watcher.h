// The watcher of a program that was started with nothing but LD_PRELOAD: one process a tree, started by the
// root image, that follows the traces and prints the report when the tree has ended.
#ifndef GORDIAN_PRELOAD_WATCHER_H_
#define GORDIAN_PRELOAD_WATCHER_H_

#include <sys/types.h>

namespace gordian::preload {

// Makes the run's folder and starts `gordian watch` from beside the shim, as an orphan in a session of its
// own, with a copy of stderr as its only descriptor. False: no folder or no command; the program then runs
// unwatched.
bool StartWatcher(const char* options);

// The watcher stays invisible to the program's own wait calls.
bool IsWatcher(pid_t pid);
// True when a wait for any child would wait for the watcher alone.
bool OnlyWatcherIsLeft(pid_t pid);

}  // namespace gordian::preload

#endif  // GORDIAN_PRELOAD_WATCHER_H_
