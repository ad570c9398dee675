// From an instruction of a Python code object to its source line: the line tables of CPython 3.8 to 3.15
// (Objects/lnotab_notes.txt, Objects/locations.md in its source).
//
// Thread safety: pure functions. A damaged table gives a wrong line or none, and never reads beyond its end.
#ifndef GORDIAN_LIBSYNC_PYTHON_LINES_H_
#define GORDIAN_LIBSYNC_PYTHON_LINES_H_

#include <cstdint>
#include <string_view>

#include "libsync/python/layout.h"

namespace gordian::python {

// `offset` of the instruction in bytes; negative: the function has not begun, which is its first line.
// 0: the instruction has no line.
int LineAt(LineTable kind, std::string_view table, int first_line, int64_t offset);

}  // namespace gordian::python

#endif  // GORDIAN_LIBSYNC_PYTHON_LINES_H_
