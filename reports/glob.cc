#include "reports/glob.h"

#include <cstddef>

namespace gordian::report {

bool MatchesGlob(std::string_view glob, std::string_view text) {
  size_t g = 0;
  size_t t = 0;
  size_t star = std::string_view::npos;  // behind the last one
  size_t retry = 0;                      // where the text goes on if that one takes one more character
  while (t < text.size() || g < glob.size()) {
    if (g < glob.size() && glob[g] == '*') {
      star = ++g;
      retry = t;
      continue;
    }
    const bool escaped = g + 1 < glob.size() && glob[g] == '\\';
    const bool any = g < glob.size() && glob[g] == '?';
    const size_t literal = g + (escaped ? 1 : 0);
    if (t < text.size() && g < glob.size() && (any || glob[literal] == text[t])) {
      g = literal + 1;
      ++t;
      continue;
    }
    if (star == std::string_view::npos || retry >= text.size()) {
      return false;
    }
    g = star;
    t = ++retry;
  }
  return true;
}

std::string GlobOf(std::string_view text) {
  constexpr size_t longest = 120;
  std::string glob;
  for (const char c : text) {
    if (glob.size() >= longest) {
      return glob + "*";
    }
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte >= 0x7f) {
      glob += '?';
      continue;
    }
    if (c == '*' || c == '?' || c == '\\' || c == '#' || c == '@') {
      glob += '\\';
    }
    glob += c;
  }
  return glob;
}

}  // namespace gordian::report
