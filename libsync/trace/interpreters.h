// Knows which loaded objects are language runtimes, whose own locks are not the user's business.
//
// Thread safety: pure functions.
#ifndef GORDIAN_LIBSYNC_TRACE_INTERPRETERS_H_
#define GORDIAN_LIBSYNC_TRACE_INTERPRETERS_H_

#include <string_view>

namespace gordian::trace {

// True for the executable or library of a known language runtime.
bool IsInterpreter(std::string_view module_path);

}  // namespace gordian::trace

#endif  // GORDIAN_LIBSYNC_TRACE_INTERPRETERS_H_
