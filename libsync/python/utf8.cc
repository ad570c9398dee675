#include "libsync/python/utf8.h"

#include <cstdint>
#include <cstring>

namespace gordian::python {
namespace {

void AppendUtf8(uint32_t c, std::string* text) {
  if (c > 0x10FFFF || (c >= 0xD800 && c < 0xE000)) {
    c = 0xFFFD;
  }
  const auto add = [text](uint32_t byte) { text->push_back(static_cast<char>(byte)); };
  const auto tail = [&add, c](unsigned shift) { add(0x80 | ((c >> shift) & 0x3F)); };
  if (c < 0x80) {
    add(c);
  } else if (c < 0x800) {
    add(0xC0 | (c >> 6));
    tail(0);
  } else if (c < 0x10000) {
    add(0xE0 | (c >> 12));
    tail(6);
    tail(0);
  } else {
    add(0xF0 | (c >> 18));
    tail(12);
    tail(6);
    tail(0);
  }
}

}  // namespace

std::string ToUtf8(std::string_view characters, size_t width) {
  std::string text;
  if (width != 1 && width != 2 && width != 4) {
    return text;
  }
  for (size_t i = 0; i + width <= characters.size(); i += width) {
    uint32_t c = 0;
    std::memcpy(&c, characters.data() + i, width);
    AppendUtf8(c, &text);
  }
  return text;
}

}  // namespace gordian::python
