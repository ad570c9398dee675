// The exec family. Each hook says in the trace that this image is about to be replaced, takes it back if that
// failed, and passes the call to the same function of libc; the variadic ones become their vector form, as in
// libc itself.
#include <fcntl.h>
#include <stdarg.h>
#include <unistd.h>

#include "libsync/record/children.h"
#include "preload/exec.h"
#include "preload/fork.h"
#include "preload/intercept.h"

using namespace gordian::record;

namespace {

void BeforeExec(const char* path) {
  if (path == nullptr) {
    return;
  }
  if (t_vfork_depth != 0) {
    // The memory is the parent's: nothing is touched but the child's own record in the shared trace.
    if (gordian::trace::ChildRecord* child = gordian::preload::VforkChildRecord(); child != nullptr) {
      KeepPath(child, path);
      __atomic_fetch_or(&child->flags, gordian::trace::kExecd, __ATOMIC_RELAXED);
    }
    return;
  }
  const Entry entry(Entry::Open::kOnlyIfOpen);
  RecordExec(path);
}

void AfterFailedExec() {
  const int saved = errno;
  if (t_vfork_depth == 0) {
    RecordExecFailed();
  } else if (gordian::trace::ChildRecord* child = gordian::preload::VforkChildRecord(); child != nullptr) {
    __atomic_fetch_and(&child->flags, static_cast<uint8_t>(~gordian::trace::kExecd), __ATOMIC_RELAXED);
  }
  errno = saved;
}

size_t CountArguments(va_list arguments) {
  size_t count = 1;
  while (va_arg(arguments, char*) != nullptr) {
    ++count;
  }
  return count;
}

}  // namespace

INTERCEPT(int, execve, const char* path, char* const argv[], char* const envp[]) {
  BeforeExec(path);
  const int result = REAL(execve)(path, argv, CHILD_ENVIRONMENT(path, false, envp));
  AfterFailedExec();
  return result;
}

INTERCEPT(int, execv, const char* path, char* const argv[]) {
  BeforeExec(path);
  char* const* environment = CHILD_ENVIRONMENT(path, false, environ);
  const int result = environment == environ ? REAL(execv)(path, argv) : REAL(execve)(path, argv, environment);
  AfterFailedExec();
  return result;
}

INTERCEPT(int, execvpe, const char* file, char* const argv[], char* const envp[]) {
  BeforeExec(file);
  const int result = REAL(execvpe)(file, argv, CHILD_ENVIRONMENT(file, true, envp));
  AfterFailedExec();
  return result;
}

INTERCEPT(int, execvp, const char* file, char* const argv[]) {
  BeforeExec(file);
  char* const* environment = CHILD_ENVIRONMENT(file, true, environ);
  const int result =
      environment == environ ? REAL(execvp)(file, argv) : REAL(execvpe)(file, argv, environment);
  AfterFailedExec();
  return result;
}

INTERCEPT(int, fexecve, int fd, char* const argv[], char* const envp[]) {
  BeforeExec("(by descriptor)");
  const bool foreign = gordian::preload::CannotLoadShimAt(fd, "", AT_EMPTY_PATH, envp);
  const int result = REAL(fexecve)(fd, argv, ENVIRONMENT_UNLESS(foreign, envp));
  AfterFailedExec();
  return result;
}

INTERCEPT(int, execveat, int directory, const char* path, char* const argv[], char* const envp[], int flags) {
  BeforeExec(path);
  const bool foreign = gordian::preload::CannotLoadShimAt(directory, path, flags, envp);
  const int result = REAL(execveat)(directory, path, argv, ENVIRONMENT_UNLESS(foreign, envp), flags);
  AfterFailedExec();
  return result;
}

// NOLINTBEGIN(bugprone-macro-parentheses): the arguments are names.
// Gathers the arguments of an execl variant into `argv`, which lies in the hook's own frame; `last` is then
// at what follows the closing null (execle's environment).
#define GATHER_ARGUMENTS(argv, first, last)                                                \
  va_list last;                                                                            \
  va_start(last, first);                                                                   \
  const size_t argv##_count = CountArguments(last);                                        \
  va_end(last);                                                                            \
  auto** argv = static_cast<char**>(__builtin_alloca((argv##_count + 1) * sizeof(char*))); \
  va_start(last, first);                                                                   \
  argv[0] = const_cast<char*>(first);                                                      \
  for (size_t i = 1; i <= argv##_count; ++i) {                                             \
    argv[i] = va_arg(last, char*);                                                         \
  }
// NOLINTEND(bugprone-macro-parentheses)

INTERCEPT(int, execl, const char* path, const char* first, ...) {
  GATHER_ARGUMENTS(argv, first, arguments)
  va_end(arguments);
  return hook_execv(path, argv);
}

INTERCEPT(int, execlp, const char* file, const char* first, ...) {
  GATHER_ARGUMENTS(argv, first, arguments)
  va_end(arguments);
  return hook_execvp(file, argv);
}

INTERCEPT(int, execle, const char* path, const char* first, ...) {
  GATHER_ARGUMENTS(argv, first, arguments)
  char* const* envp = va_arg(arguments, char* const*);
  va_end(arguments);
  return hook_execve(path, argv, envp);
}
