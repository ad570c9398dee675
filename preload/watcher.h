// The watcher of a program that was started with nothing but LD_PRELOAD: one process a tree, started by the
// root image, that follows the traces and prints the report when the tree has ended.
#ifndef GORDIAN_PRELOAD_WATCHER_H_
#define GORDIAN_PRELOAD_WATCHER_H_

namespace gordian::preload {

// For an image that was not told of a run. Joins the run of an ancestor where there is one and `options` say
// nothing else; otherwise makes a run of its own and starts `gordian watch` from beside the shim, outside the
// program's sight: in a session of its own, not to be waited for, with a copy of stderr as its only
// descriptor. False: no folder or no command; the program then runs unwatched.
bool BeginOrJoinRun(const char* options);

// For an image that was told of a run: what it must know of the watcher to wait for it, if it is pid 1.
void KnowKeeper(const char* options);

}  // namespace gordian::preload

#endif  // GORDIAN_PRELOAD_WATCHER_H_
