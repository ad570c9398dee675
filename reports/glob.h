// Patterns on names: `*` is any text, `?` one character, `\` takes the meaning from what follows it. There
// are no brackets: `operator[]` and `[abi:cxx11]` are names. Thread safety: pure functions.
#ifndef GORDIAN_REPORTS_GLOB_H_
#define GORDIAN_REPORTS_GLOB_H_

#include <string>
#include <string_view>

namespace gordian::report {

bool MatchesGlob(std::string_view glob, std::string_view text);

// A pattern of one line that matches this text; what no line can hold becomes a `?`, and the rest of a long
// text a `*`.
std::string GlobOf(std::string_view text);

}  // namespace gordian::report

#endif  // GORDIAN_REPORTS_GLOB_H_
