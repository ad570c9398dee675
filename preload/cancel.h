// A real call that can be cancelled, with a clean-up that runs then.
//
// Through the list of clean-ups that libc's own cancellable functions use: it needs no personality routine,
// so it works whichever version of libgcc unwinds the thread (a C++ destructor here would meet the program's
// unwinder with ours), and longjmp runs what it leaves behind, which it does not for the setjmp form of
// pthread_cleanup_push.
#ifndef GORDIAN_PRELOAD_CANCEL_H_
#define GORDIAN_PRELOAD_CANCEL_H_

#ifdef __cplusplus
extern "C" {
#endif

// Calls call(argument). If the thread is cancelled or exits inside it, cleanup(cleanup_argument) runs on the
// way out.
__attribute__((visibility("hidden"))) void* gordian_call_cancellable(void* (*call)(void*), void* argument,
                                                                     void (*cleanup)(void*),
                                                                     void* cleanup_argument);

// Somebody was asked to end: a call that has to look whether that is its thread goes to libc from then on.
extern int gordian_any_cancelled __attribute__((visibility("hidden")));

#ifdef __cplusplus
}
#endif

#endif  // GORDIAN_PRELOAD_CANCEL_H_
