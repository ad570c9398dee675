// A summary in Markdown: verdict, a table, then each finding to unfold. Names come from the target: in a
// table each mark is escaped, and a block is fenced with more backticks than it holds.
#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "reports/coverage.h"
#include "reports/formats.h"
#include "reports/source_place.h"
#include "reports/text_known.h"
#include "reports/text_style.h"

namespace gordian::report {
namespace {

// Room for what is said of the findings that have none.
constexpr size_t kReserve = 4096;
constexpr size_t kLongestCell = 300;

std::string Escaped(std::string_view text) {
  constexpr std::string_view marks = "\\`*_{}[]()#+-!|~@:";
  std::string out;
  for (const char c : text) {
    if (c == '<') {
      out += "&lt;";
    } else if (c == '>') {
      out += "&gt;";
    } else if (c == '&') {
      out += "&amp;";
    } else if (c == '@') {
      out += "&#64;";  // nobody is to be called
    } else {
      absl::StrAppend(&out, marks.find(c) == std::string_view::npos ? "" : "\\", std::string(1, c));
    }
  }
  return out;
}

std::string Fenced(const std::string& text) {
  size_t longest = 2;
  size_t run = 0;
  for (const char c : text) {
    run = c == '`' ? run + 1 : 0;
    longest = std::max(longest, run);
  }
  const std::string fence(longest + 1, '`');
  return absl::StrCat(fence, "text\n", text, fence, "\n");
}

std::string Row(const ReportFinding& finding, const FormatOptions& options) {
  const SourcePlace place = MainPlace(finding, options.source_root);
  const std::string where =
      place.path.empty() ? "" : absl::StrCat(place.path, place.line > 0 ? absl::StrCat(":", place.line) : "");
  return absl::StrCat("| ", finding.level, " | ", Escaped(finding.rule), " | ", finding.confidence, " | ",
                      Escaped(Printable(finding.title, kLongestCell)), " | ",
                      Escaped(Printable(where, kLongestCell)), " | ", finding.status, " | ",
                      Escaped(finding.fingerprint), " |\n");
}

std::string Details(const ReportFinding& finding) {
  return absl::StrCat("\n<details><summary>", finding.level, " ", Escaped(finding.rule), " ",
                      Escaped(finding.fingerprint), "</summary>\n\n", Fenced(FindingToText(finding, {})),
                      "\n</details>\n");
}

}  // namespace

std::string ToMarkdown(const Report& report, const FormatOptions& options) {
  const Report printable = PrintableReport(report);
  const ReportSummary summary = report.Summary();
  std::string out = absl::StrCat(
      "## Gordian: ", Plural(static_cast<uint64_t>(summary.errors), "error", "errors"), ", ",
      Plural(static_cast<uint64_t>(summary.warnings), "warning", "warnings"), ", ",
      Plural(static_cast<uint64_t>(summary.notes), "note", "notes"), KnownCounts(summary), "\n\n");
  for (const std::string& problem : printable.failures) {
    absl::StrAppend(&out, "**", Escaped(problem), "**\n\n");
  }
  const std::vector<const ReportFinding*> findings = WorstFirst(printable);
  const size_t most = options.most_bytes > kReserve ? options.most_bytes - kReserve : 0;
  size_t rows = 0;
  if (!findings.empty()) {
    out +=
        "| level | rule | confidence | what | where | status | fingerprint "
        "|\n|---|---|---|---|---|---|---|\n";
  }
  for (const ReportFinding* finding : findings) {
    std::string row = Row(*finding, options);
    if (out.size() + row.size() > most / 2) {
      break;
    }
    out += row;
    ++rows;
  }
  if (rows < findings.size()) {
    absl::StrAppend(&out, "\n+", findings.size() - rows, " more in the report\n");
  }
  for (size_t f = 0; f < rows; ++f) {
    std::string details = findings[f]->status == "new" ? Details(*findings[f]) : "";
    if (out.size() + details.size() > most) {
      out += "\nThe evidence of the others stands in the report.\n";
      break;
    }
    out += details;
  }
  for (const std::string& sentence : printable.coverage.unseen) {
    const std::string line = absl::StrCat("\n- not seen: ", Escaped(sentence));
    if (out.size() + line.size() < options.most_bytes) {
      out += line;
    }
  }
  return out + "\n";
}

}  // namespace gordian::report
