// A shim that only passes calls on: what any shim costs, and so the limit of what Gordian's can.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <semaphore.h>
#include <stddef.h>
#include <sys/types.h>

#define PASS_ON(result, name, parameters, arguments)   \
  static result(*real_##name) parameters;              \
  result name parameters {                             \
    if (__builtin_expect(real_##name == NULL, 0)) {    \
      *(void**)&real_##name = dlsym(RTLD_NEXT, #name); \
    }                                                  \
    return real_##name arguments;                      \
  }

PASS_ON(int, pthread_mutex_lock, (pthread_mutex_t * mutex), (mutex))
PASS_ON(int, pthread_mutex_unlock, (pthread_mutex_t * mutex), (mutex))
PASS_ON(int, pthread_mutex_trylock, (pthread_mutex_t * mutex), (mutex))
PASS_ON(int, pthread_rwlock_rdlock, (pthread_rwlock_t * lock), (lock))
PASS_ON(int, pthread_rwlock_wrlock, (pthread_rwlock_t * lock), (lock))
PASS_ON(int, pthread_rwlock_unlock, (pthread_rwlock_t * lock), (lock))
PASS_ON(int, pthread_spin_lock, (pthread_spinlock_t * lock), (lock))
PASS_ON(int, pthread_spin_unlock, (pthread_spinlock_t * lock), (lock))
PASS_ON(int, sem_wait, (sem_t * semaphore), (semaphore))
PASS_ON(int, sem_post, (sem_t * semaphore), (semaphore))
PASS_ON(int, pthread_cond_wait, (pthread_cond_t * condition, pthread_mutex_t* mutex), (condition, mutex))
PASS_ON(int, pthread_cond_signal, (pthread_cond_t * condition), (condition))
PASS_ON(int, pthread_create,
        (pthread_t * thread, const pthread_attr_t* attributes, void* (*start)(void*), void* argument),
        (thread, attributes, start, argument))
PASS_ON(int, pthread_join, (pthread_t thread, void** value), (thread, value))
PASS_ON(pid_t, fork, (void), ())
PASS_ON(pid_t, waitpid, (pid_t pid, int* status, int options), (pid, status, options))
PASS_ON(int, close, (int descriptor), (descriptor))
