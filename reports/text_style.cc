#include "reports/text_style.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "reports/fields.h"

namespace gordian::report {
namespace {

// One code point at the start of `text`: its length in bytes, or 0 where the bytes are no valid UTF-8.
size_t DecodeUtf8(std::string_view text, uint32_t* code_point) {
  const auto byte = [text](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  const size_t length = lead < 0x80                   ? 1
                        : lead >= 0xF0 && lead < 0xF5 ? 4
                        : lead >= 0xE0                ? 3
                        : lead >= 0xC2                ? 2
                                                      : 0;
  if (length == 0 || lead >= 0xF5 || length > text.size()) {
    return 0;
  }
  *code_point = length == 1 ? lead : lead & (0x7FU >> length);
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) {
      return 0;
    }
    *code_point = *code_point << 6 | (byte(i) & 0x3FU);
  }
  constexpr uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = *code_point >= 0xD800 && *code_point <= 0xDFFF;
  return *code_point < smallest[length] || surrogate || *code_point > 0x10FFFF ? 0 : length;
}

// Characters that move the cursor, start escape sequences, or reorder what the reader sees.
bool IsUnsafe(uint32_t c) {
  return c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0x061C || (c >= 0x200B && c <= 0x200F) ||
         (c >= 0x2028 && c <= 0x202E) || (c >= 0x2060 && c <= 0x206F) || c == 0xFEFF;
}

// Walks a report's fields. Everything that is no string stays as it is.
void MakePrintable(size_t longest, std::string* text) { *text = Printable(*text, longest); }

template <typename T>
void MakePrintable(size_t longest, std::vector<T>* list);
template <typename T>
void MakePrintable(size_t longest, std::optional<T>* value);

template <typename T>
void MakePrintable(size_t /*longest*/, T* value) {
  if constexpr (HasFields<T>) {
    ForEachField(*value, [](const auto& field, auto& part) { MakePrintable(field.longest, &part); });
  }
}

template <typename T>
void MakePrintable(size_t longest, std::vector<T>* list) {
  for (T& value : *list) {
    MakePrintable(longest, &value);
  }
}

template <typename T>
void MakePrintable(size_t longest, std::optional<T>* value) {
  if (value->has_value()) {
    MakePrintable(longest, &**value);
  }
}

std::string EscapedCodePoint(uint32_t code_point) { return absl::StrFormat("\\u%04x", code_point); }

}  // namespace

std::string Printable(std::string_view text, size_t limit) {
  const auto is_plain = [](char c) { return c >= 0x20 && c < 0x7F; };
  if (text.size() <= limit && std::all_of(text.begin(), text.end(), is_plain)) {
    return std::string(text);
  }
  std::string out;
  size_t characters = 0;
  for (size_t at = 0; at < text.size();) {
    if (characters++ == limit) {
      return out + "...";
    }
    uint32_t code_point = 0;
    const size_t length = DecodeUtf8(text.substr(at), &code_point);
    if (length == 0) {
      absl::StrAppendFormat(&out, "\\x%02x", static_cast<unsigned char>(text[at++]));
    } else if (IsUnsafe(code_point)) {
      out += code_point < 0x100 ? absl::StrFormat("\\x%02x", code_point) : EscapedCodePoint(code_point);
      at += length;
    } else {
      out.append(text.substr(at, length));
      at += length;
    }
  }
  return out;
}

ReportFinding PrintableFinding(ReportFinding finding) {
  MakePrintable(0, &finding);
  return finding;
}

Report PrintableReport(Report report) {
  MakePrintable(0, &report);
  return report;
}

std::string EscapeInJson(std::string_view json) {
  std::string out;
  while (!json.empty()) {
    uint32_t code_point = 0;
    const size_t length = std::max<size_t>(DecodeUtf8(json, &code_point), 1);
    if (IsUnsafe(code_point) && code_point != '\n') {
      out += EscapedCodePoint(code_point);
    } else {
      out.append(json.substr(0, length));
    }
    json.remove_prefix(length);
  }
  return out;
}

size_t Width(std::string_view text) {
  size_t width = 0;
  for (const char c : text) {
    width += (static_cast<unsigned char>(c) & 0xC0) != 0x80 ? 1 : 0;
  }
  return width;
}

std::string Wrap(const std::string& first, size_t indent, const std::string& text,
                 const TextOptions& options) {
  std::string out = first;
  size_t column = Width(first);
  bool at_start = true;
  const std::vector<std::string> words = absl::StrSplit(text, ' ', absl::SkipEmpty());
  for (const std::string& word : words) {
    const size_t width = Width(word);
    if (!at_start && column + 1 + width > options.width) {
      absl::StrAppend(&out, "\n", std::string(indent, ' '));
      column = indent;
      at_start = true;
    }
    if (!at_start) {
      out.push_back(' ');
      ++column;
    }
    out += word;
    column += width;
    at_start = false;
  }
  out.push_back('\n');
  return out;
}

std::string Fit(const std::string& text, size_t width) {
  const size_t own = Width(text);
  if (own <= width) {
    return text + std::string(width - own, ' ');
  }
  std::string out;
  size_t taken = 0;
  for (const char c : text) {
    const bool starts = (static_cast<unsigned char>(c) & 0xC0) != 0x80;
    if (starts && taken++ == width - 3) {
      break;
    }
    out.push_back(c);
  }
  return out + "...";
}

std::string Paint(const std::string& text, Tone tone, bool color) {
  if (!color) {
    return text;
  }
  const char* code = "1";
  switch (tone) {
    case Tone::kError:
      code = "1;31";
      break;
    case Tone::kWarning:
      code = "1;33";
      break;
    case Tone::kNote:
      code = "1;36";
      break;
    case Tone::kMark:
      code = "31";
      break;
    case Tone::kFaint:
      code = "2";
      break;
    case Tone::kBold:
      break;
  }
  return absl::StrCat("\x1b[", code, "m", text, "\x1b[0m");
}

}  // namespace gordian::report
