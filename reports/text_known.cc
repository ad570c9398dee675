#include "reports/text_known.h"

#include <cstddef>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "reports/coverage.h"
#include "reports/text_style.h"

namespace gordian::report {
namespace {

constexpr size_t kMostLines = 20;

// Lines that all begin alike: the first of them, and how many follow.
class Lines {
 public:
  explicit Lines(const TextOptions& options)
      : options_(options), most_(options.verbosity > 0 ? SIZE_MAX : kMostLines) {}

  void Add(const std::string& begin, const std::string& text) {
    if (++count_ <= most_) {
      out_ += Wrap(begin, 2, text, options_);
    }
  }
  std::string Take(const char* of_what) {
    if (count_ > most_) {
      absl::StrAppend(&out_, "... and ", count_ - most_, " more ", of_what, ": -v shows them\n");
    }
    return out_;
  }

 private:
  const TextOptions& options_;
  const size_t most_;
  size_t count_ = 0;
  std::string out_;
};

std::string Because(const std::string& reason) {
  return reason.empty() ? "" : absl::StrCat(" (", reason, ")");
}

std::string SuppressedText(const Report& report, const TextOptions& options) {
  Lines lines(options);
  for (const ReportFinding& finding : report.findings) {
    if (finding.status == "suppressed") {
      lines.Add("SUPPRESSED ",
                absl::StrCat(finding.rule, ": ", finding.title, " [", finding.fingerprint, "] by ",
                             finding.suppressed_by, Because(finding.suppressed_because)));
    }
  }
  return lines.Take("suppressed findings");
}

std::string BaselineText(const Report& report, const TextOptions& options) {
  Lines lines(options);
  for (const ReportFinding& finding : report.findings) {
    if (finding.status == "baseline") {
      lines.Add("BASELINE ", absl::StrCat(finding.rule, ": ", finding.title, " [", finding.fingerprint, "]"));
    }
  }
  return lines.Take("findings of the baseline");
}

// Who shares a file of suppressions among many programs has unused ones in each run: they take one line.
std::string UselessText(const Report& report, const TextOptions& options) {
  Lines expired(options);
  std::string unused;
  size_t count = 0;
  for (const ReportSuppression& suppression : report.suppressions) {
    if (suppression.state == "expired") {
      expired.Add("Expired: ", absl::StrCat(suppression.place, ": ", suppression.text, " counted until ",
                                            suppression.until, Because(suppression.reason)));
    } else if (suppression.state == "unused" && (++count <= kMostLines || options.verbosity > 0)) {
      absl::StrAppend(&unused, unused.empty() ? "" : ", ", suppression.place);
    }
  }
  std::string out = expired.Take("expired suppressions");
  if (count > 0) {
    out += Wrap("Suppressions: ", 2,
                absl::StrCat(Plural(count, "line was", "lines were"), " not used: ", unused,
                             count > kMostLines && options.verbosity <= 0 ? " ..." : ""),
                options);
  }
  return out;
}

std::string StaleText(const Report& report, const TextOptions& options) {
  if (!report.baseline.has_value() || report.baseline->stale.empty()) {
    return "";
  }
  Lines lines(options);
  lines.Add("Baseline: ",
            absl::StrCat(Plural(report.baseline->stale.size(), "finding", "findings"), " of ",
                         report.baseline->file, " ", report.baseline->stale.size() == 1 ? "is" : "are",
                         " not in this report"));
  for (const std::string& finding : report.baseline->stale) {
    lines.Add("  gone: ", finding);
  }
  return lines.Take("findings of the baseline");
}

std::string FailuresText(const Report& report, const TextOptions& options) {
  std::string out;
  for (const std::string& failure : report.failures) {
    out += Wrap("FAILED: ", 2, failure, options);
  }
  return out;
}

}  // namespace

std::string KnownText(const Report& report, const TextOptions& options) {
  return absl::StrCat(SuppressedText(report, options), BaselineText(report, options),
                      StaleText(report, options), UselessText(report, options),
                      FailuresText(report, options));
}

std::string KnownCounts(const ReportSummary& summary) {
  const auto count = static_cast<uint64_t>(summary.suppressed);
  std::string text = count == 0 ? "" : absl::StrCat("; ", count, " suppressed");
  if (summary.baseline > 0) {
    absl::StrAppend(&text, text.empty() ? "; " : ", ", summary.baseline, " in the baseline");
  }
  return text;
}

}  // namespace gordian::report
