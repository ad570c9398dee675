/* What a program may tell Gordian about itself. For C and C++; needs no library: without Gordian's shim in
 * the process, preloaded or linked, every call here does nothing.
 *
 *     pthread_mutex_t accounts = PTHREAD_MUTEX_INITIALIZER;
 *     gordian_name(&accounts, "accounts");
 *
 * Thread safety: any thread, any time, but never in a signal handler.
 */
#ifndef LIBSYNC_ANNOTATE_H_
#define LIBSYNC_ANNOTATE_H_

#include <pthread.h>
#include <semaphore.h>
#include <stddef.h>

#if !defined(__x86_64__) || !defined(__linux__)
#error "Gordian knows x86-64 Linux only"
#endif

#ifdef __cplusplus
#define GORDIAN_INLINE_ inline
extern "C" {
#else
#define GORDIAN_INLINE_ static inline
#endif

/* What stands at an address. Names as C has them. */
/* NOLINTBEGIN(readability-identifier-naming) */
enum gordian_kind {
  GORDIAN_MUTEX = 1,
  GORDIAN_RWLOCK = 2,
  GORDIAN_SPINLOCK = 3,
  GORDIAN_SEMAPHORE = 4,
  GORDIAN_CONDITION = 5
};
/* NOLINTEND(readability-identifier-naming) */

/* Defined by the program, if it likes: options in the form of GORDIAN_OPTIONS, for a shim that it is linked
 * with. What stands in the environment wins. Called once, before constructors of the program have run. */
const char* gordian_default_options(void);

/* The shim exports these two. The reference goes through the global offset table, since the linker would
 * settle any other weak reference of position-dependent code for good, and a preloaded shim would come too
 * late. */
#define GORDIAN_WEAK_FUNCTION_(type, name)                                                    \
  GORDIAN_INLINE_ type name##_or_null(void) {                                                 \
    type function_;                                                                           \
    __asm__(".weak " #name "\n\t{movq " #name "@GOTPCREL(%%rip), %0|mov %0, QWORD PTR " #name \
            "@GOTPCREL[rip]}"                                                                 \
            : "=r"(function_));                                                               \
    return function_;                                                                         \
  }

typedef void (*gordian_shim_name_fn)(const void* object, int kind, const char* name);
typedef const char* (*gordian_shim_trace_path_fn)(void);
GORDIAN_WEAK_FUNCTION_(gordian_shim_name_fn, gordian_shim_name)
GORDIAN_WEAK_FUNCTION_(gordian_shim_trace_path_fn, gordian_shim_trace_path)

/* Names a synchronisation object in reports; objects of one name play one role, and are one lock class there.
 * The text is copied. An object that is initialised again has no name. */
GORDIAN_INLINE_ void gordian_name_object(const void* object, enum gordian_kind kind, const char* name) {
  const gordian_shim_name_fn function = gordian_shim_name_or_null();
  if (function != NULL && name != NULL) {
    function(object, (int)kind, name);
  }
}

/* The file that the shim records this process in, for `gordian report` or libsync/trace; NULL if it does not.
 */
GORDIAN_INLINE_ const char* gordian_trace_path(void) {
  const gordian_shim_trace_path_fn function = gordian_shim_trace_path_or_null();
  return function != NULL ? function() : NULL;
}

#ifdef __cplusplus
}  // extern "C"

inline void gordian_name(const pthread_mutex_t* mutex, const char* name) {
  gordian_name_object(mutex, GORDIAN_MUTEX, name);
}
inline void gordian_name(const pthread_rwlock_t* rwlock, const char* name) {
  gordian_name_object(rwlock, GORDIAN_RWLOCK, name);
}
inline void gordian_name(const pthread_spinlock_t* spinlock, const char* name) {
  gordian_name_object(const_cast<const int*>(spinlock), GORDIAN_SPINLOCK, name);
}
inline void gordian_name(const sem_t* semaphore, const char* name) {
  gordian_name_object(semaphore, GORDIAN_SEMAPHORE, name);
}
inline void gordian_name(const pthread_cond_t* condition, const char* name) {
  gordian_name_object(condition, GORDIAN_CONDITION, name);
}
/* C11; where pthread.h has all of the types (not with -std=c11 alone). */
#elif defined(__STDC_VERSION__) && __STDC_VERSION__ >= 201112L && defined(__USE_XOPEN2K)
/* clang-format off */
#define gordian_name(object, name)                                  \
  gordian_name_object((const void*)(object),                        \
                      _Generic((object),                            \
                               pthread_mutex_t*: GORDIAN_MUTEX,     \
                               pthread_rwlock_t*: GORDIAN_RWLOCK,   \
                               pthread_spinlock_t*: GORDIAN_SPINLOCK, \
                               sem_t*: GORDIAN_SEMAPHORE,           \
                               pthread_cond_t*: GORDIAN_CONDITION), \
                      (name))
/* clang-format on */
#endif

#endif /* LIBSYNC_ANNOTATE_H_ */
