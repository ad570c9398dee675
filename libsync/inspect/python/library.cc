#include "libsync/inspect/python/library.h"

namespace gordian::inspect::python {
namespace {

// Whether `text` is `end`, or has it behind a separator.
bool EndsWithPart(std::string_view text, std::string_view end, char separator) {
  return text == end || (text.ends_with(end) && text[text.size() - end.size() - 1] == separator);
}

}  // namespace

bool IsLibraryFunction(const trace::Frame& frame, std::string_view file, std::string_view function) {
  return frame.script != nullptr && EndsWithPart(frame.script->file, file, '/') &&
         EndsWithPart(frame.script->function, function, '.');
}

}  // namespace gordian::inspect::python
