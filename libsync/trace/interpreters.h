// Knows which loaded objects are language runtimes, whose own locks are not the user's business, and which
// source files belong to one.
//
// Thread safety: pure functions.
#ifndef GORDIAN_LIBSYNC_TRACE_INTERPRETERS_H_
#define GORDIAN_LIBSYNC_TRACE_INTERPRETERS_H_

#include <string_view>

namespace gordian::trace {

// True for the executable or library of a known language runtime.
bool IsInterpreter(std::string_view module_path);

// True for a source file of Python's standard library: "/usr/lib/python3.11/threading.py",
// "<frozen importlib._bootstrap>"; never for what was installed beside it.
bool IsPythonLibrary(std::string_view file);

}  // namespace gordian::trace

#endif  // GORDIAN_LIBSYNC_TRACE_INTERPRETERS_H_
