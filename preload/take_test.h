// Whether free locks may be taken in the hooks (libsync/record/free_locks.h).
#ifndef GORDIAN_PRELOAD_TAKE_TEST_H_
#define GORDIAN_PRELOAD_TAKE_TEST_H_

namespace gordian::preload {

// The calls that come after ours are libc's own, and leave in every state of an object, byte for byte, what
// the hooks leave. Starts no thread: what others would leave in an object is written into it.
bool FreeLocksAreAsKnown();

}  // namespace gordian::preload

#endif  // GORDIAN_PRELOAD_TAKE_TEST_H_
