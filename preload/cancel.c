#include "preload/cancel.h"

#include <pthread.h>

int gordian_any_cancelled = 0;

// libc's oldest clean-up functions, exported for ever for old binaries. No header declares them any more.
extern void _pthread_cleanup_push(struct _pthread_cleanup_buffer* buffer, void (*routine)(void*),
                                  void* argument);
extern void _pthread_cleanup_pop(struct _pthread_cleanup_buffer* buffer, int execute);

void* gordian_call_cancellable(void* (*call)(void*), void* argument, void (*cleanup)(void*),
                               void* cleanup_argument) {
  struct _pthread_cleanup_buffer buffer;
  _pthread_cleanup_push(&buffer, cleanup, cleanup_argument);
  void* result = call(argument);
  _pthread_cleanup_pop(&buffer, 0);
  return result;
}
