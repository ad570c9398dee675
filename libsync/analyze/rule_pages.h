// What a user wants to know of each rule: `gordian explain` and docs/rules.md are made of it.
//
// Thread safety: constants.
#ifndef GORDIAN_LIBSYNC_ANALYZE_RULE_PAGES_H_
#define GORDIAN_LIBSYNC_ANALYZE_RULE_PAGES_H_

#include <span>

#include "libsync/analyze/finding.h"

namespace gordian::analyze {

struct RulePage {
  const char* id;
  Level level;
  Confidence confidence;
  const char* other_levels;  // when a finding has another level: "a note where ..."; may be empty
  const char* what;
  const char* example;
  const char* why;  // it is dangerous
  const char* fix;
};

// In the order of Rules(), of which they are the long form.
std::span<const RulePage> RulePages();

}  // namespace gordian::analyze

#endif  // GORDIAN_LIBSYNC_ANALYZE_RULE_PAGES_H_
