// The real calls of mutexes, for hooks of other families.
#ifndef GORDIAN_PRELOAD_MUTEX_CALLS_H_
#define GORDIAN_PRELOAD_MUTEX_CALLS_H_

#include <pthread.h>

namespace gordian::preload {

int RealMutexLock(pthread_mutex_t* mutex);
int RealMutexUnlock(pthread_mutex_t* mutex);
int RealMutexTimedLock(pthread_mutex_t* mutex, const timespec* deadline);

}  // namespace gordian::preload

#endif  // GORDIAN_PRELOAD_MUTEX_CALLS_H_
