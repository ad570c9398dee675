// Annotations of GitHub Actions. Of one step it shows ten errors and ten warnings, and drops the rest without
// a word; so there are at most ten, the worst first, and the last one says how many more there are.
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "reports/formats.h"
#include "reports/source_place.h"
#include "reports/text_style.h"

namespace gordian::report {
namespace {

constexpr size_t kMost = 10;

std::string Data(const std::string& text) {
  return absl::StrReplaceAll(text, {{"%", "%25"}, {"\r", "%0D"}, {"\n", "%0A"}});
}

std::string Property(const std::string& text) {
  return absl::StrReplaceAll(Data(text), {{":", "%3A"}, {",", "%2C"}});
}

std::string Annotation(const ReportFinding& finding, const FormatOptions& options, const std::string& more) {
  const char* kind = finding.level == "error" ? "error" : finding.level == "warning" ? "warning" : "notice";
  const SourcePlace place = MainPlace(finding, options.source_root);
  std::string where;
  if (place.in_tree) {
    absl::StrAppend(&where, "file=", Property(place.path), ",", place.line > 0 ? "line=" : "",
                    place.line > 0 ? absl::StrCat(place.line, ",") : "");
  }
  const std::string fix = finding.fix.empty() ? "" : absl::StrCat("\nFix: ", finding.fix);
  return absl::StrCat(
      "::", kind, " ", where, "title=", Property(absl::StrCat(finding.rule, " (", finding.confidence, ")")),
      "::", Data(absl::StrCat(finding.title, fix, "\n[", finding.fingerprint, "]", more)), "\n");
}

}  // namespace

std::string ToGithub(const Report& report, const FormatOptions& options) {
  const Report printable = PrintableReport(report);
  std::string out;
  size_t told = 0;
  for (const std::string& problem : printable.failures) {
    if (++told <= kMost) {
      absl::StrAppend(&out, "::error title=gordian::", Data(problem), "\n");
    }
  }
  std::vector<const ReportFinding*> findings = WorstFirst(printable);
  std::erase_if(findings, [](const ReportFinding* finding) { return finding->status != "new"; });
  for (size_t f = 0; f < findings.size() && told < kMost; ++f) {
    const bool is_last = ++told == kMost && f + 1 < findings.size();
    out += Annotation(*findings[f], options,
                      is_last ? absl::StrCat("\n+", findings.size() - f - 1, " more in the report") : "");
  }
  return out;
}

}  // namespace gordian::report
