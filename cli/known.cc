#include "cli/known.h"

#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <optional>

#include "absl/strings/str_cat.h"
#include "cli/file_util.h"

namespace gordian::cli {
namespace {

constexpr char kDefaultSuppressions[] = "gordian.supp";
constexpr size_t kMostBytes = size_t{1} << 26;

std::string Today() {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  char text[16];
  return {text, std::strftime(text, sizeof(text), "%Y-%m-%d", &utc)};
}

std::string AddFile(const std::string& path, report::Suppressions* suppressions) {
  std::string problem;
  const std::optional<std::string> text = ReadFile(path, kMostBytes, &problem);
  return text.has_value() ? suppressions->Add(path, *text) : problem;
}

}  // namespace

std::shared_ptr<const KnownFindings> KnownFindings::Load(const Options& options, std::string* why) {
  auto known = std::make_shared<KnownFindings>();
  known->today_ = Today();
  std::vector<std::string> files = options.suppressions;
  const bool is_named = std::find(files.begin(), files.end(), kDefaultSuppressions) != files.end();
  if (!is_named && access(kDefaultSuppressions, F_OK) == 0) {
    files.insert(files.begin(), kDefaultSuppressions);
  }
  for (const std::string& file : files) {
    *why = AddFile(file, &known->suppressions_);
    if (!why->empty()) {
      return nullptr;
    }
  }
  if (!options.baseline.empty()) {
    known->baseline_file_ = options.baseline;
    known->baseline_ = ReadBaseline(options.baseline, why);
    if (!known->baseline_.has_value()) {
      return nullptr;
    }
  }
  return known;
}

void KnownFindings::Mark(report::Report* report) const {
  suppressions_.Mark(today_, report);
  if (baseline_.has_value()) {
    baseline_->Mark(baseline_file_, report);
  }
}

std::optional<report::Baseline> ReadBaseline(const std::string& path, std::string* why) {
  const std::optional<std::string> text = ReadFile(path, kMostBytes, why);
  std::optional<report::Baseline> baseline =
      text.has_value() ? report::Baseline::Read(*text, why) : std::nullopt;
  if (text.has_value() && !baseline.has_value()) {
    *why = absl::StrCat(path, ": ", *why);
  }
  return baseline;
}

void MarkKnown(const Options& options, report::Report* report) {
  if (options.known != nullptr) {
    options.known->Mark(report);
  }
}

}  // namespace gordian::cli
