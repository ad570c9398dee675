// Reading the kernel's text files: whole, field by field, number by number.
//
// Thread safety: functions without shared state; a Words belongs to one thread.
#ifndef GORDIAN_LIBSYNC_INSPECT_WORDS_H_
#define GORDIAN_LIBSYNC_INSPECT_WORDS_H_

#include <sys/types.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

namespace gordian::inspect {

// On failure errno says why: these files fail at the read, too, when their process ends in between.
std::optional<std::string> ReadText(const std::string& path);
// /proc/PID/NAME.
std::optional<std::string> ReadProcFile(pid_t pid, std::string_view name);

// The words of a line, one by one.
class Words {
 public:
  explicit Words(std::string_view text) : rest_(text) {}

  std::string_view Next() {
    SkipBlanks();
    const size_t length = std::min(rest_.find_first_of(kBlanks), rest_.size());
    const std::string_view word = rest_.substr(0, length);
    rest_.remove_prefix(length);
    return word;
  }
  void Skip(int words) {
    while (words-- > 0) {
      Next();
    }
  }
  // False, here and from then on, when there was no such number. Base 16 takes "0x" before it.
  template <typename T>
  bool Take(T* number, int base = 10) {
    std::string_view word = Next();
    if (base == 16 && word.starts_with("0x")) {
      word.remove_prefix(2);
    }
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), *number, base);
    good_ = good_ && error == std::errc() && end == word.data() + word.size();
    return good_;
  }
  // All that follows, without the blanks before it.
  std::string_view Rest() {
    SkipBlanks();
    return rest_;
  }

 private:
  static constexpr std::string_view kBlanks = " \t\n";

  void SkipBlanks() { rest_.remove_prefix(std::min(rest_.find_first_not_of(kBlanks), rest_.size())); }

  std::string_view rest_;
  bool good_ = true;
};

// The value of "Name:\t..." in a status file, up to the end of its line; empty when there is none. The kernel
// escapes newlines in the process's name, so that a line's start is always its own.
std::string_view StatusField(std::string_view status, std::string_view name);

}  // namespace gordian::inspect

#endif  // GORDIAN_LIBSYNC_INSPECT_WORDS_H_
