// Hides obvious secrets in command lines, because reports are pasted into issues and kept by CI.
//
// It knows the common spellings (redact.cc is the table) and promises no more than that.
// Thread safety: pure functions.
#ifndef GORDIAN_REPORTS_REDACT_H_
#define GORDIAN_REPORTS_REDACT_H_

#include <string>
#include <vector>

namespace gordian::report {

inline constexpr char kRedacted[] = "***";

// The arguments of a command, each secret replaced by "***".
std::vector<std::string> RedactCommand(std::vector<std::string> arguments);

// The same for a command in one string, as /proc shows it: words separated by spaces.
std::string RedactLine(const std::string& line);

}  // namespace gordian::report

#endif  // GORDIAN_REPORTS_REDACT_H_
