// GitLab's code quality report: what a merge request shows beside the lines that it changes.
#include <algorithm>
#include <map>
#include <string>

#include "absl/strings/str_cat.h"
#include "nlohmann/json.hpp"
#include "reports/formats.h"
#include "reports/source_place.h"
#include "reports/text_style.h"

namespace gordian::report {
namespace {

const char* SeverityOf(const ReportFinding& finding) {
  if (finding.level == "error") {
    return finding.confidence == "confirmed" ? "blocker" : "critical";
  }
  return finding.level == "warning" ? "major" : "info";
}

}  // namespace

std::string ToGitlab(const Report& report, const FormatOptions& options) {
  using Json = nlohmann::ordered_json;
  const Report printable = PrintableReport(report);
  Json issues = Json::array();
  std::map<std::string, int> seen;
  for (const ReportFinding* finding : WorstFirst(printable)) {
    if (finding->status == "suppressed") {
      continue;
    }
    const SourcePlace place = MainPlace(*finding, options.source_root);
    // Of two with one fingerprint it would drop one.
    const int again = seen[finding->fingerprint]++;
    issues.push_back(
        {{"description", absl::StrCat(finding->rule, ": ", finding->title, " (", finding->confidence, ")")},
         {"check_name", finding->rule},
         {"fingerprint", again == 0 ? finding->fingerprint : absl::StrCat(finding->fingerprint, "-", again)},
         {"severity", SeverityOf(*finding)},
         {"location",
          {{"path", place.path.empty() ? "unknown" : place.path},
           {"lines", {{"begin", std::max(place.line, 1)}}}}}});
  }
  return EscapeInJson(issues.dump(1, ' ', false, Json::error_handler_t::replace)) + "\n";
}

}  // namespace gordian::report
