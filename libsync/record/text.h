// Text without libc's locale, stdio or malloc: paths and numbers.
#ifndef GORDIAN_LIBSYNC_RECORD_TEXT_H_
#define GORDIAN_LIBSYNC_RECORD_TEXT_H_

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace gordian::record {

class TextBuffer {
 public:
  static constexpr size_t kCapacity = 1024;

  void Clear() { used_ = 0; }
  // What does not fit is cut.
  void Append(const char* text, size_t most = kCapacity) {
    while (*text != '\0' && most-- > 0 && used_ < kCapacity - 1) {
      text_[used_++] = *text++;
    }
    text_[used_] = '\0';
  }
  // All 16 digits.
  void AppendHex(uint64_t number) {
    for (int shift = 60; shift >= 0 && used_ < kCapacity - 1; shift -= 4) {
      text_[used_++] = "0123456789abcdef"[(number >> shift) & 15];
    }
    text_[used_] = '\0';
  }
  void AppendNumber(uint64_t number) {
    char digits[24];
    int count = 0;
    do {
      digits[count++] = static_cast<char>('0' + number % 10);
      number /= 10;
    } while (number != 0);
    while (count > 0 && used_ < kCapacity - 1) {
      text_[used_++] = digits[--count];
    }
    text_[used_] = '\0';
  }
  const char* text() const { return text_; }
  size_t size() const { return used_; }

 private:
  size_t used_ = 0;
  char text_[kCapacity] = {};
};

inline uint64_t ParseUnsigned(const char* text) {
  uint64_t value = 0;
  while (*text >= '0' && *text <= '9') {
    value = value * 10 + static_cast<uint64_t>(*text++ - '0');
  }
  return value;
}

// Shell-style match of '*' and '?' only.
inline bool GlobMatch(const char* pattern, size_t pattern_bytes, const char* text) {
  size_t p = 0;
  size_t t = 0;
  size_t star = SIZE_MAX;
  size_t star_text = 0;
  const size_t text_bytes = strlen(text);
  while (t < text_bytes) {
    if (p < pattern_bytes && (pattern[p] == '?' || pattern[p] == text[t])) {
      ++p;
      ++t;
    } else if (p < pattern_bytes && pattern[p] == '*') {
      star = p++;
      star_text = t;
    } else if (star != SIZE_MAX) {
      p = star + 1;
      t = ++star_text;
    } else {
      return false;
    }
  }
  while (p < pattern_bytes && pattern[p] == '*') {
    ++p;
  }
  return p == pattern_bytes;
}

}  // namespace gordian::record

#endif  // GORDIAN_LIBSYNC_RECORD_TEXT_H_
