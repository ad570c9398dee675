#include "libsync/inspect/python/strings.h"

#include <algorithm>
#include <cstddef>

#include "libsync/python/utf8.h"

namespace gordian::inspect::python {
namespace {

// Both have a length here, after the reference count and the type.
constexpr uint32_t kLength = 16;
constexpr uint32_t kStringState = 32;
constexpr uint32_t kBytesData = 32;
// Of a name or a path; a longer one is cut.
constexpr int64_t kMaxString = 4096;
// A line table of a very long function.
constexpr int64_t kMaxBytes = 4 << 20;

std::optional<std::string> ReadExactly(const Memory& memory, uint64_t address, size_t bytes) {
  std::string text(bytes, '\0');
  return memory.Read(address, text.data(), bytes) == bytes ? std::optional(std::move(text)) : std::nullopt;
}

}  // namespace

std::optional<std::string> ReadString(const Memory& memory, const Layout& layout, uint64_t object) {
  const auto length = memory.Get<int64_t>(object + kLength);
  const auto state = memory.Get<uint32_t>(object + kStringState);
  if (object == 0 || !length || !state || *length < 0) {
    return std::nullopt;
  }
  const uint32_t width = (*state >> 2) & 7;
  const bool compact = (*state & 0x20) != 0;
  const bool ascii = (*state & 0x40) != 0;
  if (!compact || (width != 1 && width != 2 && width != 4)) {
    return std::nullopt;
  }
  const auto count = static_cast<size_t>(std::min(*length, kMaxString));
  const auto characters =
      ReadExactly(memory, object + (ascii ? layout.ascii : layout.compact), count * width);
  return characters ? std::optional(gordian::python::ToUtf8(*characters, width)) : std::nullopt;
}

std::optional<std::string> ReadBytes(const Memory& memory, uint64_t object) {
  const auto length = memory.Get<int64_t>(object + kLength);
  if (object == 0 || !length || *length < 0 || *length > kMaxBytes) {
    return std::nullopt;
  }
  return ReadExactly(memory, object + kBytesData, static_cast<size_t>(*length));
}

}  // namespace gordian::inspect::python
