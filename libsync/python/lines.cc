#include "libsync/python/lines.h"

#include <cstddef>
#include <optional>

namespace gordian::python {
namespace {

constexpr int64_t kBytesPerUnit = 2;

uint8_t Byte(std::string_view table, size_t at) { return static_cast<uint8_t>(table[at]); }

int LineByDeltas(std::string_view table, int line, int64_t offset) {
  int64_t address = 0;
  for (size_t i = 0; i + 1 < table.size(); i += 2) {
    address += Byte(table, i);
    if (address > offset) {
      break;
    }
    line += static_cast<int8_t>(table[i + 1]);
  }
  return line;
}

int LineByRanges(std::string_view table, int line, int64_t offset) {
  constexpr int8_t no_line = -128;
  int64_t end = 0;
  for (size_t i = 0; i + 1 < table.size(); i += 2) {
    end += Byte(table, i);
    const auto step = static_cast<int8_t>(table[i + 1]);
    line += step == no_line ? 0 : step;
    if (offset < end) {
      return step == no_line ? 0 : line;
    }
  }
  return 0;
}

// One entry: a byte with a code and a length, then as many bytes without the highest bit as the code wants.
class Locations {
 public:
  explicit Locations(std::string_view table) : table_(table) {}

  struct Entry {
    int64_t bytes = 0;  // of code
    bool has_line = true;
    int line_step = 0;
  };
  std::optional<Entry> Next() {
    if (at_ >= table_.size()) {
      return std::nullopt;
    }
    const uint8_t head = Byte(table_, at_++);
    Entry entry;
    entry.bytes = ((head & 7) + 1) * kBytesPerUnit;
    switch (const int code = (head >> 3) & 15) {
      case kNoColumns:
      case kLong:
        entry.line_step = Signed(Varint());
        break;
      case kNone:
        entry.has_line = false;
        break;
      default:
        entry.line_step = code >= kOneLine ? code - kOneLine : 0;
    }
    while (at_ < table_.size() && (Byte(table_, at_) & kHead) == 0) {
      ++at_;
    }
    return entry;
  }

 private:
  static constexpr uint8_t kHead = 0x80;
  static constexpr int kOneLine = 10;
  static constexpr int kNoColumns = 13;
  static constexpr int kLong = 14;
  static constexpr int kNone = 15;

  // Six bits a byte, the lowest first; bit 6 says that one more follows.
  uint32_t Varint() {
    uint32_t value = 0;
    for (unsigned shift = 0; at_ < table_.size() && shift < 32; shift += 6) {
      const uint8_t byte = Byte(table_, at_++);
      value |= (byte & 63U) << shift;
      if ((byte & 64) == 0) {
        break;
      }
    }
    return value;
  }
  static int Signed(uint32_t value) {
    const int magnitude = static_cast<int>(value >> 1);
    return (value & 1) != 0 ? -magnitude : magnitude;
  }

  std::string_view table_;
  size_t at_ = 0;
};

int LineByLocations(std::string_view table, int line, int64_t offset) {
  Locations locations(table);
  int64_t end = 0;
  while (const auto entry = locations.Next()) {
    end += entry->bytes;
    line += entry->line_step;
    if (offset < end) {
      return entry->has_line ? line : 0;
    }
  }
  return 0;
}

}  // namespace

int LineAt(LineTable kind, std::string_view table, int first_line, int64_t offset) {
  if (offset < 0) {
    return first_line;
  }
  switch (kind) {
    case LineTable::kDeltas:
      return LineByDeltas(table, first_line, offset);
    case LineTable::kRanges:
      return LineByRanges(table, first_line, offset);
    case LineTable::kLocations:
      return LineByLocations(table, first_line, offset);
  }
  return 0;
}

}  // namespace gordian::python
