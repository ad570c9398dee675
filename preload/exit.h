// The last moments of an image.
#ifndef GORDIAN_PRELOAD_EXIT_H_
#define GORDIAN_PRELOAD_EXIT_H_

namespace gordian::preload {

// Called by the last of the exit handlers, with main's result or the argument of exit().
void RecordOrderlyExit(int status);

// When this image is pid 1 and started a watcher: everything dies with it, so the watcher is given up to 2 s
// to print. Else returns at once.
void WaitForWatcher();

}  // namespace gordian::preload

#endif  // GORDIAN_PRELOAD_EXIT_H_
