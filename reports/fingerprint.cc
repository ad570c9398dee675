#include "reports/fingerprint.h"

#include <algorithm>
#include <cstdint>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"

namespace gordian::report {
namespace {

// Changes whenever the text under the hash does, so that an old baseline fails to match as a whole and not
// here and there.
constexpr char kVersion[] = "gordian.fingerprint/1";

uint64_t Fnv1a(std::string_view text) {
  uint64_t hash = 0xcbf29ce484222325U;
  for (const char c : text) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  }
  return hash;
}

}  // namespace

std::vector<std::string> NormalRotation(const std::vector<std::string>& cycle) {
  std::vector<std::string> best = cycle;
  std::vector<std::string> rotation = cycle;
  for (size_t i = 1; i < cycle.size(); ++i) {
    std::rotate(rotation.begin(), rotation.begin() + 1, rotation.end());
    best = std::min(best, rotation);
  }
  return best;
}

std::string Fingerprint(const Identity& identity) {
  std::vector<std::string> stacks;
  for (const std::vector<std::string>& stack : identity.stacks) {
    stacks.push_back(absl::StrCat("stack ", absl::StrJoin(stack, " < ")));
  }
  std::sort(stacks.begin(), stacks.end());
  const std::string text = absl::StrCat(kVersion, "\nrule ", identity.rule, "\ncycle ",
                                        absl::StrJoin(NormalRotation(identity.cycle), " -> "), "\n",
                                        absl::StrJoin(stacks, "\n"), "\n");
  return absl::StrFormat("%016x", Fnv1a(text));
}

}  // namespace gordian::report
