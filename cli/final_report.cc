#include "cli/final_report.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "cli/exit_code.h"
#include "cli/gate.h"
#include "cli/known.h"
#include "cli/message.h"
#include "libsync/analyze/detector.h"
#include "libsync/analyze/near_misses.h"

namespace gordian::cli {
namespace {

// None of what was printed while the program ran may be missing.
void AddLive(const LiveReport& live, report::Report* report) {
  for (const report::ReportFinding& finding : live.findings()) {
    const auto same = std::find_if(
        report->findings.begin(), report->findings.end(),
        [&](const report::ReportFinding& other) { return other.fingerprint == finding.fingerprint; });
    // It was true when it was printed, although the program got out of it later.
    if (same == report->findings.end()) {
      report->findings.push_back(finding);
    } else if (finding.level == "error") {
      same->level = finding.level;
    }
  }
}

}  // namespace

report::Report JudgeRun(const trace::Run& run, const Options& options, const LiveReport* live) {
  analyze::Options analyze_options;
  analyze_options.grace_ms = options.grace_ms;
  std::vector<std::string> left_out;
  analyze_options.left_out = &left_out;
  report::BuildOptions build_options;
  build_options.redact = options.redact;
  build_options.wrappers = options.wrappers;
  report::Report report = report::BuildReport(run, analyze::Analyze(run, analyze_options), build_options);
  report.coverage.unseen.insert(report.coverage.unseen.end(), left_out.begin(), left_out.end());
  if (options.explain_pruned) {
    build_options.near_misses = true;
    report.near_misses = report::BuildReport(run, analyze::NearMisses(run), build_options).findings;
  }
  if (live != nullptr) {
    AddLive(*live, &report);
  }
  MarkKnown(options, &report);
  CheckExpectations(options, &report);
  return report;
}

bool WriteFiles(report::Report* report, Outputs* outputs) {
  std::string problem = outputs->Files(*report);
  if (problem.empty()) {
    return true;
  }
  report->coverage.unseen.push_back(std::move(problem));
  return false;
}

bool WriteText(report::Report report, const Outputs& outputs, const LiveReport* live) {
  report::TextOptions text_options = outputs.style();
  text_options.exit_code = report.exit_code;
  if (!outputs.out().empty()) {
    text_options.next_steps = absl::StrCat("The run is kept: gordian report ", outputs.out());
  }
  if (live != nullptr) {
    text_options.printed_before = live->Printed();
    report.snapshot.clear();  // it was printed when it was taken
  }
  outputs.Text(report::ToText(report, text_options));
  if (outputs.text_failed()) {
    Message("the text report could not be written");
  }
  return !outputs.text_failed();
}

int WriteReports(report::Report report, Outputs* outputs, int exit_code) {
  report.exit_code = exit_code;
  if (!WriteFiles(&report, outputs)) {
    report.exit_code = kExitGordian;
  }
  const int written = *report.exit_code;
  return WriteText(std::move(report), *outputs, nullptr) ? written : kExitGordian;
}

}  // namespace gordian::cli
