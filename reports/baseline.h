// A baseline: findings that were there when it was written, and do not count until they get worse.
//
// The file is JSON (gordian.baseline/1) with one finding a line, sorted, and nothing in it that changes with
// a line, a thread or a build: what a review sees is what was added or taken out.
// Thread safety: none; const functions may run in parallel.
#ifndef GORDIAN_REPORTS_BASELINE_H_
#define GORDIAN_REPORTS_BASELINE_H_

#include <map>
#include <optional>
#include <string>

#include "reports/report.h"

namespace gordian::report {

struct BaselineEntry {
  std::string rule;
  std::string level;
  std::string about;  // for people: what the suppression line of the finding names
};

class Baseline {
 public:
  // nullopt, and `why`: it is none, or of a newer schema.
  static std::optional<Baseline> Read(const std::string& text, std::string* why);
  // What is not suppressed.
  static Baseline Of(const Report& report);

  std::string ToText() const;
  // Gives new findings that are in the baseline, and not of a worse level, the status "baseline", and tells
  // in the report what of it was not found. `file`: how to call the baseline.
  void Mark(const std::string& file, Report* report) const;
  // Takes out what the report does not have; returns how many.
  size_t Prune(const Report& report);

  const std::map<std::string, BaselineEntry>& entries() const { return entries_; }

 private:
  std::map<std::string, BaselineEntry> entries_;  // by fingerprint
};

}  // namespace gordian::report

#endif  // GORDIAN_REPORTS_BASELINE_H_
