// Strings and bytes of a Python process, read from outside: nothing is believed that has no sane size.
//
// Thread safety: functions without shared state.
#ifndef GORDIAN_LIBSYNC_INSPECT_PYTHON_STRINGS_H_
#define GORDIAN_LIBSYNC_INSPECT_PYTHON_STRINGS_H_

#include <cstdint>
#include <optional>
#include <string>

#include "libsync/inspect/memory.h"
#include "libsync/python/layout.h"

namespace gordian::inspect::python {

using gordian::python::Layout;

// A `str` as UTF-8; what UTF-8 cannot express (surrogate escapes) as U+FFFD.
std::optional<std::string> ReadString(const Memory& memory, const Layout& layout, uint64_t object);

// A `bytes`.
std::optional<std::string> ReadBytes(const Memory& memory, uint64_t object);

}  // namespace gordian::inspect::python

#endif  // GORDIAN_LIBSYNC_INSPECT_PYTHON_STRINGS_H_
