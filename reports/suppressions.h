// Suppressions: lines that say which findings are known and accepted.
//
//   rule:pattern [@FINGERPRINT] [until=YYYY-MM-DD] [# reason]
//
// With a fingerprint, which the line that a finding prints has, it is that finding and no other; the pattern
// then only tells the reader. Without one it is every finding of the rule that the pattern fits: a cycle of
// lock names joined by " -> ", from any of them on, or a glob on a lock, on a function, file or module where
// something happened, or on a program. `lock=`, `function=`, `file=`, `module=`, `program=` look at one kind
// of name alone, `stack=` at the functions of whole stacks.
//
// Thread safety: none; const functions may run in parallel.
#ifndef GORDIAN_REPORTS_SUPPRESSIONS_H_
#define GORDIAN_REPORTS_SUPPRESSIONS_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "reports/report.h"

namespace gordian::report {

enum class NamesOf { kAny, kLock, kFunction, kFile, kModule, kProgram, kStack };

struct Suppression {
  std::string file;
  size_t line = 0;
  std::string text;  // without the reason
  std::string rule;  // a glob
  NamesOf names_of = NamesOf::kAny;
  std::vector<std::string> globs;  // more than one: a cycle of locks
  std::string fingerprint;
  std::string until;  // the last day on which it counts; empty: for ever
  std::string reason;
};

class Suppressions {
 public:
  // Reads the text of a file. Empty, or what is wrong: "FILE:LINE:COLUMN: ...".
  std::string Add(const std::string& file, std::string_view text);

  // Sets the status of the findings that are suppressed on the day `today`, and tells in the report what came
  // of each suppression.
  void Mark(const std::string& today, Report* report) const;

  const std::vector<Suppression>& list() const { return list_; }

 private:
  std::vector<Suppression> list_;
};

bool Matches(const Suppression& suppression, const ReportFinding& finding);

// The line that silences this finding and no other. REQUIRES: the pattern is made of what GlobOf() gives.
std::string SuppressionLine(const std::string& rule, const std::string& pattern,
                            const std::string& fingerprint);

// Lines for all findings that are new, each below what it is about.
std::string SuppressionsFor(const Report& report);

}  // namespace gordian::report

#endif  // GORDIAN_REPORTS_SUPPRESSIONS_H_
