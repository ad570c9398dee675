#include "cli/watch/dump.h"

#include <map>
#include <vector>

#include "absl/strings/str_cat.h"
#include "libsync/analyze/finding.h"
#include "reports/report.h"

namespace gordian::cli {
namespace {

using analyze::Finding;
using analyze::Index;
using analyze::ThreadPart;

constexpr analyze::Rule kDump = {"dump", analyze::Level::kNote, analyze::Confidence::kConfirmed,
                                 "what every thread holds and waits for", ""};

// Puts the threads of one process into a Finding, because the symbolizer names what stands in findings.
class ProcessDump {
 public:
  ProcessDump(const trace::Run& run, Index process)
      : process_(run.processes[static_cast<size_t>(process)]), index_(process) {
    finding_.rule = &kDump;
    finding_.level = analyze::Level::kNote;
    for (size_t i = 0; i < process_.threads.size(); ++i) {
      if (process_.threads[i].live) {
        numbers_[static_cast<Index>(i)] = static_cast<int>(numbers_.size());
      }
    }
    for (const auto& [thread, number] : numbers_) {
      AddThread(thread);
    }
  }

  Finding Take() { return std::move(finding_); }

 private:
  int LockNumber(Index lock) {
    if (lock < 0) {
      return -1;
    }
    auto [it, is_new] = locks_.try_emplace(lock, static_cast<int>(finding_.locks.size()));
    if (is_new) {
      finding_.locks.push_back({index_, lock});
    }
    return it->second;
  }

  void AddThread(Index index) {
    const trace::Thread& thread = process_.threads[static_cast<size_t>(index)];
    ThreadPart part;
    part.process = index_;
    part.thread = index;
    for (const trace::Holding& holding : thread.held) {
      part.holds.push_back({LockNumber(holding.lock), holding.mode, {index_, holding.stack}});
    }
    part.waits.kind = thread.wait.kind;
    part.waits.timed = thread.wait.timed;
    part.waits.stack = {index_, thread.wait.stack};
    part.waits.lock = LockNumber(thread.wait.lock);
    auto joined = numbers_.find(thread.wait.thread);
    if (joined != numbers_.end()) {
      part.waits.thread = joined->second;
    }
    part.created = {index_, thread.create_stack};
    finding_.threads.push_back(std::move(part));
  }

  const trace::Process& process_;
  Index index_;
  Finding finding_;
  std::map<Index, int> numbers_;  // thread -> its place in Finding::threads
  std::map<Index, int> locks_;
};

void AppendFrames(const report::Frames& frames, std::string* text) {
  for (size_t i = 0; i < frames.size(); ++i) {
    const report::SourceFrame& frame = frames[i];
    absl::StrAppend(text, "      #", i, " ", frame.function.empty() ? "??" : frame.function);
    if (!frame.file.empty()) {
      absl::StrAppend(text, " at ", frame.file, ":", frame.line, "\n");
    } else {
      absl::StrAppend(text, " in ", frame.module, "+0x", absl::Hex(frame.offset), "\n");
    }
  }
}

std::string LockName(const report::ReportFinding& finding, const std::string& id) {
  for (const report::ReportLock& lock : finding.locks) {
    if (lock.id == id) {
      return absl::StrCat(lock.kind, " ", lock.name);
    }
  }
  return id;
}

void AppendThread(const report::ReportFinding& finding, const report::ReportThread& thread,
                  std::string* text) {
  absl::StrAppend(text, "  ", thread.id, " tid ", thread.tid, thread.name.empty() ? "" : " ", thread.name,
                  "\n");
  for (const report::ReportHeld& held : thread.holds) {
    absl::StrAppend(text, "    holds ", LockName(finding, held.lock), " (", held.mode, ")\n");
    AppendFrames(held.stack, text);
  }
  if (thread.waits.kind.empty()) {
    absl::StrAppend(text, "    waits for nothing that is recorded\n");
    return;
  }
  absl::StrAppend(text, "    waits for ", thread.waits.kind, " ", LockName(finding, thread.waits.target),
                  "\n");
  AppendFrames(thread.waits.stack, text);
}

}  // namespace

std::string DumpThreads(const trace::Run& run, const Options& options) {
  report::BuildOptions build_options;
  build_options.redact = options.redact;
  std::string text = "gordian: what every thread holds and waits for now\n";
  for (size_t i = 0; i < run.processes.size(); ++i) {
    // One report each: equal processes must not be merged into one.
    Finding finding = ProcessDump(run, static_cast<Index>(i)).Take();
    report::Report report = report::BuildReport(run, {finding}, build_options);
    absl::StrAppend(&text, "process ", run.processes[i].pid, "\n");
    for (const report::ReportFinding& dumped : report.findings) {
      for (const report::ReportThread& thread : dumped.threads) {
        AppendThread(dumped, thread, &text);
      }
    }
  }
  return text;
}

}  // namespace gordian::cli
