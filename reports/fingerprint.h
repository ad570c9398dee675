// The fingerprint of a finding: 16 hex digits that survive what does not change the defect.
//
// It is the FNV-1a hash (64 bit) over UTF-8 text of three kinds of lines: the rule, the cycle of lock
// classes, and for each identifying stack the project functions that decided to lock there. No address, line,
// pid, thread id, path, template argument or parameter list enters, so rebuilds, optimisation levels, line
// shifts, load addresses and threads leave it alone; another lock or another function changes it.
// Thread safety: pure functions.
#ifndef GORDIAN_REPORTS_FINGERPRINT_H_
#define GORDIAN_REPORTS_FINGERPRINT_H_

#include <string>
#include <string_view>
#include <vector>

namespace gordian::report {

struct Identity {
  std::string rule;
  std::vector<std::string> cycle;                // lock classes in the order of the cycle, any rotation
  std::vector<std::vector<std::string>> stacks;  // IdentifyingFunctions() of each stack, in any order
};

std::string Fingerprint(const Identity& identity);

// The rotation of a cycle that comes first in lexicographic order.
std::vector<std::string> NormalRotation(const std::vector<std::string>& cycle);

}  // namespace gordian::report

#endif  // GORDIAN_REPORTS_FINGERPRINT_H_
