#ifndef GORDIAN_PRELOAD_THREAD_CALLS_H_
#define GORDIAN_PRELOAD_THREAD_CALLS_H_

namespace gordian::preload {

// A thread that a signal handler runs in before its start routine is to be known for the one that was
// created.
void TellStartRoutines();

}  // namespace gordian::preload

#endif  // GORDIAN_PRELOAD_THREAD_CALLS_H_
