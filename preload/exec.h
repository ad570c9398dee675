// What the hooks of exec and spawn need: which programs must not be given the shim, and their environment
// without it.
#ifndef GORDIAN_PRELOAD_EXEC_H_
#define GORDIAN_PRELOAD_EXEC_H_

#include <cstddef>

#include "libsync/trace/layout.h"

namespace gordian::preload {

// True for a program that cannot load the shim and would say so or fail: 32-bit, linked with musl, or with
// gcc's dynamic libasan. `search`: the name is looked up in PATH. Only opens and reads; safe in a vfork
// child. Scripts count as their interpreter.
bool CannotLoadShim(const char* file, bool search, char* const envp[]);

// The same for execveat, and for fexecve: an empty path and AT_EMPTY_PATH.
bool CannotLoadShimAt(int directory, const char* path, int flags, char* const envp[]);

// Bytes that WithoutShim needs for this environment.
size_t RoomWithoutShim(char* const envp[]);
// The environment with our entry taken out of LD_PRELOAD, built in `room`.
char* const* WithoutShim(char* const envp[], void* room);

}  // namespace gordian::preload

// The environment to give to `file`: the caller's own, but for a program that cannot load the shim. The copy
// lies in the calling frame: nothing needs to be freed, also when the call does not return.
#define CHILD_ENVIRONMENT(file, search, envp) \
  ENVIRONMENT_UNLESS(gordian::preload::CannotLoadShim((file), (search), (envp)), envp)
#define ENVIRONMENT_UNLESS(foreign, envp)                                                                 \
  ((foreign)                                                                                              \
       ? gordian::preload::WithoutShim((envp), __builtin_alloca(gordian::preload::RoomWithoutShim(envp))) \
       : (envp))

#endif  // GORDIAN_PRELOAD_EXEC_H_
