// CPython's strings as UTF-8.
//
// Thread safety: functions without shared state.
#ifndef GORDIAN_LIBSYNC_PYTHON_UTF8_H_
#define GORDIAN_LIBSYNC_PYTHON_UTF8_H_

#include <cstddef>
#include <string>
#include <string_view>

namespace gordian::python {

// `width`: bytes of one character: 1 (ASCII and Latin-1), 2 or 4. What UTF-8 cannot express (surrogate
// escapes) becomes U+FFFD; of another width is nothing; part of a character at the end is left out.
std::string ToUtf8(std::string_view characters, size_t width);

}  // namespace gordian::python

#endif  // GORDIAN_LIBSYNC_PYTHON_UTF8_H_
