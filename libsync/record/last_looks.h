// What the other threads do when the process exits. Nobody can ask later.
//
// Thread safety: to be called by the thread that ends the process.
#ifndef GORDIAN_LIBSYNC_RECORD_LAST_LOOKS_H_
#define GORDIAN_LIBSYNC_RECORD_LAST_LOOKS_H_

namespace gordian::record {

// Marks the joinable threads that sleep until somebody else does something (trace::kIdleAtEnd). Who was woken
// up already counts as running, whether or not it got to run. In a sandbox nobody is asked.
void MarkIdleThreads();

}  // namespace gordian::record

#endif  // GORDIAN_LIBSYNC_RECORD_LAST_LOOKS_H_
