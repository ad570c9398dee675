#include "reports/baseline.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "nlohmann/json.hpp"
#include "reports/text_style.h"

namespace gordian::report {
namespace {

using Json = nlohmann::ordered_json;
constexpr char kSchema[] = "gordian.baseline/1";

int Badness(const std::string& level) { return level == "error" ? 2 : level == "warning" ? 1 : 0; }

std::string TextOf(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

bool IsFingerprint(const std::string& text) {
  return text.size() == 16 && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

std::string AboutOf(const ReportFinding& finding) {
  const std::string& line = finding.suppression;
  const size_t begin = std::min(line.find(':'), line.size() - 1) + 1;
  return line.empty() ? "" : Printable(line.substr(begin, line.rfind(" @") - begin));
}

}  // namespace

std::optional<Baseline> Baseline::Read(const std::string& text, std::string* why) {
  const Json json = Json::parse(text, nullptr, false);
  if (json.is_discarded() || !json.is_object()) {
    *why = "it is no JSON, or cut off";
    return std::nullopt;
  }
  const std::string schema = TextOf(json, "schema");
  if (schema != kSchema) {
    *why = schema.empty()
               ? "it is no baseline"
               : absl::StrCat("its schema is ", Printable(schema, 100), "; this gordian reads ", kSchema);
    return std::nullopt;
  }
  Baseline baseline;
  const auto findings = json.find("findings");
  if (findings == json.end() || !findings->is_array()) {
    *why = "it has no list of findings";
    return std::nullopt;
  }
  for (const Json& entry : *findings) {
    const std::string fingerprint = entry.is_object() ? TextOf(entry, "fingerprint") : "";
    if (!IsFingerprint(fingerprint)) {
      *why = absl::StrCat("its finding number ", baseline.entries_.size() + 1, " has no fingerprint");
      return std::nullopt;
    }
    baseline.entries_[fingerprint] = {TextOf(entry, "rule"), TextOf(entry, "level"), TextOf(entry, "about")};
  }
  return baseline;
}

Baseline Baseline::Of(const Report& report) {
  Baseline baseline;
  for (const ReportFinding& finding : report.findings) {
    if (finding.status != "suppressed") {
      baseline.entries_[finding.fingerprint] = {finding.rule, finding.level, AboutOf(finding)};
    }
  }
  return baseline;
}

std::string Baseline::ToText() const {
  std::vector<std::string> lines;
  for (const auto& [fingerprint, entry] : entries_) {
    const Json json = {
        {"rule", entry.rule}, {"level", entry.level}, {"about", entry.about}, {"fingerprint", fingerprint}};
    lines.push_back(json.dump(-1, ' ', false, Json::error_handler_t::replace));
  }
  std::sort(lines.begin(), lines.end());
  std::string text = absl::StrCat("{\"schema\": \"", kSchema, "\", \"findings\": [");
  for (size_t i = 0; i < lines.size(); ++i) {
    absl::StrAppend(&text, i == 0 ? "\n" : ",\n", lines[i]);
  }
  return text + "\n]}\n";
}

void Baseline::Mark(const std::string& file, Report* report) const {
  ReportBaseline told;
  told.file = file;
  told.findings = entries_.size();
  std::map<std::string, BaselineEntry> stale = entries_;
  for (ReportFinding& finding : report->findings) {
    stale.erase(finding.fingerprint);
    const auto known = entries_.find(finding.fingerprint);
    if (finding.status == "new" && known != entries_.end() &&
        Badness(finding.level) <= Badness(known->second.level)) {
      finding.status = "baseline";
    }
  }
  for (const auto& [fingerprint, entry] : stale) {
    told.stale.push_back(absl::StrCat(entry.rule, ":", entry.about, " @", fingerprint));
  }
  report->baseline = std::move(told);
}

size_t Baseline::Prune(const Report& report) {
  return std::erase_if(entries_, [&report](const auto& entry) {
    return std::none_of(
        report.findings.begin(), report.findings.end(),
        [&entry](const ReportFinding& finding) { return finding.fingerprint == entry.first; });
  });
}

}  // namespace gordian::report
