// INTERCEPT: one definition is all that a new hooked call needs.
//
//     INTERCEPT(int, pthread_mutex_lock, pthread_mutex_t* mutex) {
//       ... REAL(pthread_mutex_lock)(mutex) ...
//     }
//
// The macro declares a function with a C++ name of its own and libc's name as its symbol (libc's own
// declaration, with its noexcept and nonnull, then cannot clash), exports it, puts a pointer to the next
// definition into a table that start-up resolves, and opens the body.
//
// Rules for a body: no object with a destructor lives across REAL(), since a cancelled thread or a longjmp
// leaves from there; whatever REAL() returns and whatever it did to errno is what the caller gets.
#ifndef GORDIAN_PRELOAD_INTERCEPT_H_
#define GORDIAN_PRELOAD_INTERCEPT_H_

#include <errno.h>

#include "libsync/record/stack.h"
#include "preload/resolve.h"

namespace gordian::preload {

// Entries stand side by side in a section: the compiler must not align them further than their size.
struct alignas(16) RealFunction {
  const char* name;
  uint32_t hash;  // GnuHash of it
  void* address;  // of the next definition after ours; null until resolved
};

// For a call before start-up: resolves this entry, and every other, since a later call may come from a thread
// that the holder of the loader's lock waits for. Null when libc lacks the function.
void* Resolve(RealFunction* function);
// Resolves every entry anew. True when calls are known to come to us: either dlsym(RTLD_DEFAULT) answers with
// our own hooks for all of them, or what stands before us (a sanitizer's runtime, a user's own wrapper)
// proves that it hands calls on.
bool ResolveAll();

inline void* Resolved(RealFunction* function) {
  void* address = __atomic_load_n(&function->address, __ATOMIC_RELAXED);
  return __builtin_expect(address != nullptr, 1) ? address : Resolve(function);
}

}  // namespace gordian::preload

#define GORDIAN_HOOK_ENTRY(name)                                                              \
  namespace gordian::preload::real {                                                          \
  __attribute__((section("gordian_hooks"), used)) static constinit RealFunction entry_##name{ \
      #name, GnuHash(#name), nullptr};                                                        \
  }

#define INTERCEPT(result, name, ...)                                                                \
  extern "C" __attribute__((visibility("default"))) result hook_##name(__VA_ARGS__) __asm__(#name); \
  GORDIAN_HOOK_ENTRY(name)                                                                          \
  result hook_##name(__VA_ARGS__)

// Another name that libc has for the same function. REQUIRES: INTERCEPT(..., name) stands above.
#define INTERCEPT_ALIAS(other, name)               \
  extern "C" __attribute__((visibility("default"), \
                            alias(#name))) decltype(hook_##name) hook_##other __asm__(#other);

// The same for a call whose hook is written in assembly (vfork.S exports the symbol).
#define INTERCEPT_STUB(result, name, ...)                    \
  extern "C" result hook_##name(__VA_ARGS__) __asm__(#name); \
  GORDIAN_HOOK_ENTRY(name)

#define REAL(name)                           \
  (reinterpret_cast<decltype(&hook_##name)>( \
      ::gordian::preload::Resolved(&::gordian::preload::real::entry_##name)))

#endif  // GORDIAN_PRELOAD_INTERCEPT_H_
