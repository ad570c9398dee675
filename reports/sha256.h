// SHA-256, for the policy of a page that names its own script. Thread safety: a pure function.
#ifndef GORDIAN_REPORTS_SHA256_H_
#define GORDIAN_REPORTS_SHA256_H_

#include <string>
#include <string_view>

namespace gordian::report {

// In base64.
std::string Sha256(std::string_view text);

}  // namespace gordian::report

#endif  // GORDIAN_REPORTS_SHA256_H_
