// Judges a running program, and prints what is confirmed the moment it is: each finding once.
//
// Thread safety: none.
#ifndef GORDIAN_CLI_WATCH_LIVE_REPORT_H_
#define GORDIAN_CLI_WATCH_LIVE_REPORT_H_

#include <set>
#include <string>
#include <vector>

#include "cli/options.h"
#include "cli/outputs.h"
#include "cli/watch/process_tree.h"
#include "libsync/analyze/detector.h"
#include "libsync/analyze/finding.h"
#include "libsync/trace/run.h"
#include "reports/report.h"

namespace gordian::cli {

// The program will not go on by itself.
bool IsDeadlockRule(const std::string& rule);

class LiveReport {
 public:
  LiveReport(const Options* options, const Outputs* outputs) : options_(options), outputs_(outputs) {}

  // Judges `run` (not over yet) and prints what is new. Returns the processes that hang for good by a finding
  // not known before.
  std::vector<ProcessId> Judge(const trace::Run& run);
  // The same of the waits alone, as they stand only now: notes on them are kept, too. `others` do not wait:
  // those that were killed with something locked, and who may know of it.
  std::vector<ProcessId> JudgeWaits(trace::Run run, std::vector<trace::Process> others);

  // Of those whose holders do not get on: a warning, which ends nobody.
  void TellStuckHolders(const trace::Run& run) { Tell(run, analyze::AnalyzeStuckHolders(run), false); }

  // What was printed, and notes, for the final report: none of it may be missing there.
  const std::vector<report::ReportFinding>& findings() const { return findings_; }
  std::vector<report::ReportFinding> Printed() const;

 private:
  std::vector<ProcessId> Tell(const trace::Run& run, std::vector<analyze::Finding> findings, bool with_notes);

  bool WasPrinted(const report::ReportFinding& finding) const;

  const Options* options_;
  const Outputs* outputs_;
  std::set<std::string> known_;
  std::vector<report::ReportFinding> findings_;
};

}  // namespace gordian::cli

#endif  // GORDIAN_CLI_WATCH_LIVE_REPORT_H_
