#include "cli/watch/live_report.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "cli/known.h"
#include "libsync/analyze/detector.h"

namespace gordian::cli {
namespace {

using analyze::Finding;

// What a finding is about, in names that stay the same from one reading of the traces to the next.
std::string KeyOf(const trace::Run& run, const Finding& finding) {
  std::vector<std::string> parts;
  auto process_name = [&](analyze::Index index) {
    if (index < 0) {
      return std::string();
    }
    const trace::Process& process = run.processes[static_cast<size_t>(index)];
    return process.nonce != 0 ? absl::StrCat(process.nonce)
                              : absl::StrCat(process.pid, "/", process.start_ticks);
  };
  for (const analyze::ThreadPart& thread : finding.threads) {
    parts.push_back(absl::StrCat("t", process_name(thread.process), ".", thread.thread));
  }
  for (const analyze::LockPart& lock : finding.locks) {
    parts.push_back(absl::StrCat("l", process_name(lock.process), ".", lock.lock));
  }
  for (const analyze::ProcessPart& process : finding.processes) {
    parts.push_back(absl::StrCat("p", process.pid));
  }
  std::sort(parts.begin(), parts.end());
  std::string key = finding.rule->id;
  for (const std::string& part : parts) {
    absl::StrAppend(&key, " ", part);
  }
  // Findings about a place rather than about threads or locks differ in where they happened.
  for (const analyze::StackAt& place : finding.identity) {
    absl::StrAppend(&key, " s", process_name(place.process), ".", place.stack);
  }
  return key;
}

// Processes that are stuck behind the others, and go on once those have ended: a shell, a test runner.
std::set<analyze::Index> FreedByTheEnd(const Finding& finding) {
  std::set<analyze::Index> freed;
  for (const analyze::ThreadPart& thread : finding.threads) {
    if (thread.role == analyze::kStuckBehind &&
        (thread.waits.kind == trace::WaitKind::kProcess || thread.waits.kind == trace::WaitKind::kCall)) {
      freed.insert(thread.process);
    }
  }
  return freed;
}

// Who only took part before, and now waits for nothing, does not hang.
bool IsStuck(const analyze::ThreadPart& thread, const std::set<analyze::Index>& freed) {
  return thread.process >= 0 && thread.waits.kind != trace::WaitKind::kNone &&
         !(thread.role == analyze::kStuckBehind && freed.contains(thread.process));
}

std::vector<ProcessId> Hanging(const trace::Run& run, const std::vector<Finding>& findings) {
  std::vector<ProcessId> hanging;
  for (const Finding& finding : findings) {
    if (!IsDeadlockRule(finding.rule->id) || finding.level != analyze::Level::kError) {
      continue;
    }
    const std::set<analyze::Index> freed = FreedByTheEnd(finding);
    for (const analyze::ThreadPart& thread : finding.threads) {
      if (!IsStuck(thread, freed)) {
        continue;
      }
      const trace::Process& process = run.processes[static_cast<size_t>(thread.process)];
      ProcessId id{process.pid, process.start_ticks};
      bool known = std::find(hanging.begin(), hanging.end(), id) != hanging.end();
      if (!process.ended && !known) {
        hanging.push_back(id);
      }
    }
  }
  return hanging;
}

std::set<trace::SharedIdentity> SharedLocks(const trace::Run& run, const Finding& finding) {
  std::set<trace::SharedIdentity> shared;
  for (const analyze::LockPart& part : finding.locks) {
    const trace::Lock& lock =
        run.processes[static_cast<size_t>(part.process)].locks[static_cast<size_t>(part.lock)];
    if (lock.shared.has_value()) {
      shared.insert(*lock.shared);
    }
  }
  return shared;
}

// Nobody goes on because a lock is lost, and that is a finding of its own.
bool IsExplainedBy(const trace::Run& run, const std::vector<Finding>& killed, const Finding& finding) {
  std::set<trace::SharedIdentity> lost;
  for (const Finding& cause : killed) {
    lost.merge(SharedLocks(run, cause));
  }
  const std::set<trace::SharedIdentity> shared = SharedLocks(run, finding);
  return std::any_of(shared.begin(), shared.end(),
                     [&lost](const trace::SharedIdentity& lock) { return lost.contains(lock); });
}

std::vector<ProcessId> Waiters(const trace::Run& run, const std::vector<Finding>& findings) {
  std::vector<ProcessId> waiters;
  for (const Finding& finding : findings) {
    for (const analyze::ThreadPart& thread : finding.threads) {
      const trace::Process& process = run.processes[static_cast<size_t>(thread.process)];
      if (thread.waits.kind != trace::WaitKind::kNone && !process.ended) {
        waiters.emplace_back(process.pid, process.start_ticks);
      }
    }
  }
  return waiters;
}

}  // namespace

bool IsDeadlockRule(const std::string& rule) {
  return rule == "deadlock" || rule == "self-deadlock" || rule == "abandoned-lock";
}

std::vector<ProcessId> LiveReport::Judge(const trace::Run& run) {
  analyze::Options analyze_options;
  analyze_options.grace_ms = options_->grace_ms;
  return Tell(run, analyze::Analyze(run, analyze_options), false);
}

std::vector<ProcessId> LiveReport::JudgeWaits(trace::Run run, std::vector<trace::Process> others) {
  std::vector<Finding> findings = analyze::AnalyzeWaits(run);
  std::move(others.begin(), others.end(), std::back_inserter(run.processes));
  std::vector<Finding> killed = others.empty() ? std::vector<Finding>() : analyze::AnalyzeKilled(run);
  std::erase_if(findings, [&](const Finding& finding) { return IsExplainedBy(run, killed, finding); });
  // Told before or not: now nobody is left who could mend it.
  std::vector<ProcessId> hanging = Waiters(run, killed);
  std::move(killed.begin(), killed.end(), std::back_inserter(findings));
  const std::vector<ProcessId> more = Tell(run, std::move(findings), true);
  hanging.insert(hanging.end(), more.begin(), more.end());
  return hanging;
}

std::vector<ProcessId> LiveReport::Tell(const trace::Run& run, std::vector<Finding> findings,
                                        bool with_notes) {
  std::vector<Finding> fresh;
  for (Finding& finding : findings) {
    const bool wanted = finding.level != analyze::Level::kNote || with_notes;
    if (finding.confidence != analyze::Confidence::kConfirmed || !wanted) {
      continue;
    }
    if (known_.insert(KeyOf(run, finding)).second) {
      fresh.push_back(std::move(finding));
    }
  }
  if (fresh.empty()) {
    return {};
  }
  report::BuildOptions build_options;
  build_options.redact = options_->redact;
  build_options.wrappers = options_->wrappers;
  report::Report report = report::BuildReport(run, fresh, build_options);
  MarkKnown(*options_, &report);
  for (report::ReportFinding& finding : report.findings) {
    auto same = [&](const report::ReportFinding& other) { return other.fingerprint == finding.fingerprint; };
    if (std::any_of(findings_.begin(), findings_.end(), same)) {
      continue;
    }
    if (WasPrinted(finding)) {
      outputs_->Text(report::FindingToText(finding, outputs_->style()));
    }
    findings_.push_back(std::move(finding));
  }
  return Hanging(run, fresh);
}

// The final report has its own way with notes.
bool LiveReport::WasPrinted(const report::ReportFinding& finding) const {
  return !options_->quiet && finding.status == "new" && finding.level != "note";
}

std::vector<report::ReportFinding> LiveReport::Printed() const {
  std::vector<report::ReportFinding> printed;
  std::copy_if(findings_.begin(), findings_.end(), std::back_inserter(printed),
               [this](const report::ReportFinding& finding) { return WasPrinted(finding); });
  return printed;
}

}  // namespace gordian::cli
