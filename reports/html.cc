// One page that needs nothing else: the JSON report, and the script of page/ that shows it. The policy allows
// this script and this style by their hashes and nothing from anywhere, so that no name that a program gave
// its threads can do more than stand there. Without scripts the text report stands there.
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "reports/fields.h"
#include "reports/formats.h"
#include "reports/frames.h"
#include "reports/page.h"
#include "reports/sha256.h"
#include "reports/source_place.h"
#include "reports/text_style.h"

namespace gordian::report {
namespace {

std::string Markup(const std::string& text) {
  return absl::StrReplaceAll(text, {{"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}, {"\"", "&quot;"}});
}

// Without the line ends and blanks between its values: a string of JSON has no line end.
std::string OnOneLine(const std::string& json) {
  std::string line;
  line.reserve(json.size());
  bool indents = false;
  for (const char c : json) {
    indents = c == '\n' || (indents && c == ' ');
    if (!indents) {
      line += c;
    }
  }
  return line;
}

// What people are shown of each stack, with paths as they know them: the page makes no judgement either.
class Shown {
 public:
  explicit Shown(const std::string& root) : root_(root) {}

  template <typename T>
  void Take(T* value) const {
    if constexpr (HasFields<T>) {
      ForEachField(*value, [this](const auto& /*field*/, auto& part) { this->Take(&part); });
    }
  }
  void Take(SourceFrame* frame) const {
    frame->file = frame->file.empty() ? "" : SourcePlaceOf(*frame, root_).path;
  }
  void Take(Frames* stack) const {
    *stack = ShownFrames(*stack);
    for (SourceFrame& frame : *stack) {
      Take(&frame);
    }
  }
  template <typename T>
  void Take(std::vector<T>* list) const {
    for (T& value : *list) {
      Take(&value);
    }
  }
  template <typename T>
  void Take(std::optional<T>* value) const {
    if (value->has_value()) {
      Take(&**value);
    }
  }

 private:
  const std::string& root_;
};

}  // namespace

std::string ToHtml(const Report& report, const FormatOptions& options) {
  Report shown = PrintableReport(report);
  Shown(options.source_root).Take(&shown);
  // In JSON a `<` stands in strings alone, where it may be written otherwise: no </script> can come.
  const std::string json = absl::StrReplaceAll(OnOneLine(ToJson(shown)), {{"<", "\\u003c"}});
  TextOptions text_options;
  text_options.exit_code = report.exit_code;
  return absl::StrCat(
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; script-src 'sha256-",
      Sha256(kPageScript), "'; style-src 'sha256-", Sha256(kPageStyle),
      "'; base-uri 'none'; form-action 'none'\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>Gordian: ",
      Markup(SummaryLine(report, text_options)), "</title>\n<style>", kPageStyle,
      "</style>\n</head>\n<body>\n", "<div id=\"page\"></div>\n<noscript><pre>",
      Markup(ToText(report, text_options)), "</pre></noscript>\n",
      "<script type=\"application/json\" id=\"report\">", json, "</script>\n<script>", kPageScript,
      "</script>\n</body>\n</html>\n");
}

}  // namespace gordian::report
