// Knows functions of Python's standard library among frames.
//
// Thread safety: pure functions.
#ifndef GORDIAN_LIBSYNC_INSPECT_PYTHON_LIBRARY_H_
#define GORDIAN_LIBSYNC_INSPECT_PYTHON_LIBRARY_H_

#include <string_view>

#include "libsync/trace/run.h"

namespace gordian::inspect::python {

// `function` with or without its class before it: only versions from 3.11 on tell that. `file`: the end of
// its path, "threading.py", "multiprocessing/queues.py".
bool IsLibraryFunction(const trace::Frame& frame, std::string_view file, std::string_view function);

}  // namespace gordian::inspect::python

#endif  // GORDIAN_LIBSYNC_INSPECT_PYTHON_LIBRARY_H_
