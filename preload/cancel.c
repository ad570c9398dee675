#include "preload/cancel.h"

#include <pthread.h>

#ifdef __EXCEPTIONS
#error "compile without -fexceptions: the setjmp form of pthread_cleanup_push is the point of this file"
#endif

void* gordian_call_cancellable(void* (*call)(void*), void* argument, void (*cleanup)(void*), void* cleanup_argument) {
  void* result;
  pthread_cleanup_push(cleanup, cleanup_argument);
  result = call(argument);
  pthread_cleanup_pop(0);
  return result;
}
