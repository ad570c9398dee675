// JUnit XML: who shows results of tests shows findings beside them.
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "reports/formats.h"
#include "reports/source_place.h"
#include "reports/text_style.h"

namespace gordian::report {
namespace {

// Of what is printable, XML forbids no more than this. A line's end stays in a text; in an attribute it would
// become a blank.
std::string Xml(std::string_view text) {
  std::string xml;
  for (const char c : text) {
    switch (c) {
      case '&':
        xml += "&amp;";
        break;
      case '<':
        xml += "&lt;";
        break;
      case '>':
        xml += "&gt;";
        break;
      case '"':
        xml += "&quot;";
        break;
      default:
        xml += c;
    }
  }
  return xml;
}

std::string TestCase(const ReportFinding& finding, const FormatOptions& options, bool fails) {
  const SourcePlace place = MainPlace(finding, options.source_root);
  std::string out = absl::StrCat("  <testcase classname=\"gordian.", Xml(finding.rule), "\" name=\"",
                                 Xml(finding.title), " [", Xml(finding.fingerprint), "]\" time=\"0\"");
  if (place.line > 0) {
    absl::StrAppend(&out, " file=\"", Xml(place.path), "\" line=\"", place.line, "\"");
  }
  out += ">\n";
  const std::string text = Xml(FindingToText(finding, {}));
  if (finding.status != "new") {
    const std::string because = finding.suppressed_because.empty() ? "" : ": " + finding.suppressed_because;
    absl::StrAppend(
        &out, "   <skipped message=\"",
        Xml(finding.status == "baseline" ? "in the baseline"
                                         : absl::StrCat("suppressed by ", finding.suppressed_by, because)),
        "\"/>\n");
  } else if (fails) {
    absl::StrAppend(&out, "   <failure type=\"", Xml(finding.rule), "\" message=\"", Xml(finding.title),
                    "\">", text, "</failure>\n");
  } else {
    absl::StrAppend(&out, "   <system-out>", text, "</system-out>\n");
  }
  return out + "  </testcase>\n";
}

}  // namespace

std::string ToJunit(const Report& report, const FormatOptions& options) {
  const Report printable = PrintableReport(report);
  std::string cases;
  size_t tests = 0;
  size_t failures = 0;
  size_t errors = 0;
  size_t skipped = 0;
  for (const ReportFinding* finding : WorstFirst(printable)) {
    const bool fails = options.fails(*finding);
    ++tests;
    failures += fails && finding->status == "new" ? 1 : 0;
    skipped += finding->status != "new" ? 1 : 0;
    cases += TestCase(*finding, options, fails);
  }
  for (const std::string& problem : printable.failures) {
    ++tests;
    ++errors;
    absl::StrAppend(&cases, "  <testcase classname=\"gordian\" name=\"what was expected of the run ", errors,
                    "\" time=\"0\">\n   <error type=\"coverage\" message=\"", Xml(problem),
                    "\"/>\n  </testcase>\n");
  }
  // A suite without a case counts as one that did not run.
  if (tests == 0) {
    tests = 1;
    cases = "  <testcase classname=\"gordian\" name=\"no findings\" time=\"0\"/>\n";
  }
  const std::string counts = absl::StrCat("tests=\"", tests, "\" failures=\"", failures, "\" errors=\"",
                                          errors, "\" skipped=\"", skipped, "\"");
  const std::string time = absl::StrFormat("%.3f", printable.run.seconds);
  std::string coverage;
  for (const std::string& sentence : printable.coverage.unseen) {
    absl::StrAppend(&coverage, "Coverage: ", sentence, "\n");
  }
  return absl::StrCat(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"gordian\" ", counts, " time=\"", time,
      "\">\n <testsuite name=\"gordian\" ", counts, " time=\"", time, "\"",
      printable.run.started.size() < 19
          ? ""
          : absl::StrCat(" timestamp=\"", Xml(printable.run.started.substr(0, 19)), "\""),
      " hostname=\"", Xml(printable.run.host), "\">\n", cases,
      coverage.empty() ? "" : absl::StrCat("  <system-out>", Xml(coverage), "</system-out>\n"),
      " </testsuite>\n</testsuites>\n");
}

}  // namespace gordian::report
