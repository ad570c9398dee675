#include "reports/formats.h"

#include <algorithm>
#include <iterator>

#include "reports/suppressions.h"

namespace gordian::report {
namespace {

constexpr Format kFormats[] = {
    {"json", "the JSON report",
     [](const Report& report, const FormatOptions& /*options*/) { return ToJson(report); }},
    {"sarif", "the SARIF report", ToSarif},
    {"junit", "the JUnit report", ToJunit},
    {"gitlab", "the code quality report", ToGitlab},
    {"github", "the annotations", ToGithub},
    {"markdown", "the summary", ToMarkdown},
    {"dot", "the graph", ToDot},
    {"mermaid", "the graph", ToMermaid},
    {"html", "the HTML report", ToHtml},
    {"gen-suppressions", "the suppressions",
     [](const Report& report, const FormatOptions& /*options*/) { return SuppressionsFor(report); }, true},
};

}  // namespace

bool IsNewError(const ReportFinding& finding) { return finding.status == "new" && finding.level == "error"; }

std::span<const Format> Formats() { return kFormats; }

const Format& FormatByName(std::string_view name) {
  return *std::find_if(std::begin(kFormats), std::end(kFormats),
                       [name](const Format& format) { return format.name == name; });
}

}  // namespace gordian::report
