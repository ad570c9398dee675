// What is known of findings before they are made. It is read before the program starts, so that a mistake in
// a file costs nothing, and asked after judging, before anything is printed and the exit code is decided.
//
// Thread safety: none; const functions may run in parallel.
#ifndef GORDIAN_CLI_KNOWN_H_
#define GORDIAN_CLI_KNOWN_H_

#include <memory>
#include <optional>
#include <string>

#include "cli/options.h"
#include "reports/baseline.h"
#include "reports/report.h"
#include "reports/suppressions.h"

namespace gordian::cli {

class KnownFindings {
 public:
  // nullptr, and `why`: a file is missing or wrong.
  static std::shared_ptr<const KnownFindings> Load(const Options& options, std::string* why);

  // Sets the status of each finding.
  void Mark(report::Report* report) const;

 private:
  report::Suppressions suppressions_;
  std::string today_;
  std::string baseline_file_;
  std::optional<report::Baseline> baseline_;
};

// nullopt, and `why`: "FILE: ...".
std::optional<report::Baseline> ReadBaseline(const std::string& path, std::string* why);

// By what the options have loaded, if they have.
void MarkKnown(const Options& options, report::Report* report);

}  // namespace gordian::cli

#endif  // GORDIAN_CLI_KNOWN_H_
