// The formats of a report: each is one function from a Report to text, in a file of its own. A format makes
// no judgement, and does not know where its text goes.
//
// Thread safety: pure functions.
#ifndef GORDIAN_REPORTS_FORMATS_H_
#define GORDIAN_REPORTS_FORMATS_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "reports/report.h"

namespace gordian::report {

// A new error.
bool IsNewError(const ReportFinding& finding);

struct FormatOptions {
  std::string source_root;  // absolute: paths below it are told from there
  // What the exit code counts.
  std::function<bool(const ReportFinding& finding)> fails = IsNewError;
  size_t most_bytes = SIZE_MAX;  // where the format heeds one
};

struct Format {
  const char* name;  // as in the option --NAME FILE
  const char* what;  // "the JSON report"
  std::string (*write)(const Report& report, const FormatOptions& options);
  bool adds = false;  // to what the file holds already
};

std::span<const Format> Formats();

// REQUIRES: there is one of this name.
const Format& FormatByName(std::string_view name);

// SARIF 2.1.0, one run. Within the limits of code-scanning services.
std::string ToSarif(const Report& report, const FormatOptions& options);
// JUnit: a finding is a test case; one that fails has a failure, one that is known was skipped.
std::string ToJunit(const Report& report, const FormatOptions& options);
// GitLab's code quality report.
std::string ToGitlab(const Report& report, const FormatOptions& options);
// Workflow commands of GitHub Actions, which become annotations: it shows ten of a step.
std::string ToGithub(const Report& report, const FormatOptions& options);
// A summary for people, as GitHub and GitLab show it.
std::string ToMarkdown(const Report& report, const FormatOptions& options);
// Who holds what and waits for what, a cluster for each finding: for Graphviz, and for Mermaid.
std::string ToDot(const Report& report, const FormatOptions& options);
std::string ToMermaid(const Report& report, const FormatOptions& options);

// One page that needs nothing else.
std::string ToHtml(const Report& report, const FormatOptions& options);

}  // namespace gordian::report

#endif  // GORDIAN_REPORTS_FORMATS_H_
