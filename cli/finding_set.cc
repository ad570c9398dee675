#include "cli/finding_set.h"

#include <sys/stat.h>

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "cli/exit_code.h"
#include "cli/file_util.h"
#include "cli/final_report.h"
#include "cli/gate.h"
#include "cli/known.h"
#include "cli/message.h"
#include "libsync/trace/reader.h"
#include "reports/merge.h"
#include "reports/read_report.h"

namespace gordian::cli {
namespace {

constexpr size_t kMostBytes = size_t{1} << 30;
constexpr int kDeepest = 16;

class Loader {
 public:
  explicit Loader(const Options& options) : options_(options) {
    options_.known = nullptr;
    options_.gate = false;
    options_.baseline.clear();
    options_.expect_processes.reset();
    options_.require_coverage.reset();
  }

  // False: `why` and `exit_code` say what is wrong.
  bool Load(const std::string& path, int depth) {
    struct stat status {};
    if (stat(path.c_str(), &status) != 0) {
      return Fail(kExitExpectation, ErrnoText(path));
    }
    return S_ISDIR(status.st_mode) ? LoadFolder(path, depth) : LoadJson(path);
  }

  report::Report Take() {
    all_.findings = merger_.Take();
    return std::move(all_);
  }
  const std::string& why() const { return why_; }
  int exit_code() const { return exit_code_; }

 private:
  bool Fail(int exit_code, const std::string& why) {
    exit_code_ = exit_code;
    why_ = why;
    return false;
  }

  bool LoadFolder(const std::string& path, int depth) {
    std::vector<std::string> names = ListNames(path);
    std::sort(names.begin(), names.end());
    const bool is_run = std::any_of(names.begin(), names.end(), [](const std::string& name) {
      return name == "run.json" || absl::EndsWith(name, ".trace");
    });
    if (is_run) {
      return LoadRun(path);
    }
    bool any = false;
    for (const std::string& name : names) {
      const std::string below = absl::StrCat(path, "/", name);
      struct stat status {};
      const bool is_folder = lstat(below.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
      if (depth > kDeepest || !(is_folder || absl::EndsWith(name, ".json"))) {
        continue;
      }
      any = true;
      if (!Load(below, depth + 1)) {
        return false;
      }
    }
    return any || Fail(kExitExpectation, absl::StrCat(path, ": there is no run in it"));
  }

  bool LoadRun(const std::string& path) {
    std::string why;
    const auto run = trace::ReadRun(path, &why);
    if (!run.has_value()) {
      return Fail(kExitExpectation, absl::StrCat(path, ": ", why));
    }
    return Add(path, JudgeRun(*run, options_, nullptr));
  }

  bool LoadJson(const std::string& path) {
    std::string why;
    const auto text = ReadFile(path, kMostBytes, &why);
    if (!text.has_value()) {
      return Fail(kExitExpectation, why);
    }
    auto report = report::ReadReport(*text, &why);
    if (!report.has_value()) {
      return Fail(kExitKnown, absl::StrCat(path, ": ", why));
    }
    return Add(path, std::move(*report));
  }

  bool Add(const std::string& path, report::Report report) {
    if (report.coverage.recorded == 0) {
      all_.failures.push_back(absl::StrCat(path, ": nothing was recorded in this run"));
    }
    for (const std::string& failure : report.failures) {
      all_.failures.push_back(absl::StrCat(path, ": ", failure));
    }
    if (is_first_) {
      all_.run = report.run;
      is_first_ = false;
    } else {
      all_.run.seconds += report.run.seconds;
    }
    for (report::ReportFinding& finding : report.findings) {
      finding.status = "new";
      finding.suppressed_by.clear();
      finding.suppressed_because.clear();
      merger_.Add(std::move(finding));
    }
    report::ReportCoverage& sum = all_.coverage;
    const report::ReportCoverage& more = report.coverage;
    sum.processes += more.processes;
    sum.recorded += more.recorded;
    sum.incomplete += more.incomplete;
    sum.threads += more.threads;
    sum.events += more.events;
    sum.dropped += more.dropped;
    for (const std::string& sentence : more.unseen) {
      if (std::find(sum.unseen.begin(), sum.unseen.end(), sentence) == sum.unseen.end()) {
        sum.unseen.push_back(sentence);
      }
    }
    return true;
  }

  Options options_;
  report::Report all_;
  report::FindingMerger merger_;
  bool is_first_ = true;
  std::string why_;
  int exit_code_ = 0;
};

}  // namespace

std::optional<report::Report> LoadFindings(const std::vector<std::string>& paths, const Options& options,
                                           std::string* why, int* exit_code) {
  Loader loader(options);
  for (const std::string& path : paths) {
    if (!loader.Load(path, 0)) {
      *why = loader.why();
      *exit_code = loader.exit_code();
      return std::nullopt;
    }
  }
  return loader.Take();
}

std::optional<report::Report> LoadAndMark(const std::vector<std::string>& paths, const Options& options,
                                          int* exit_code) {
  std::string why;
  auto report = LoadFindings(paths, options, &why, exit_code);
  if (!report.has_value()) {
    Message(why);
    return std::nullopt;
  }
  MarkKnown(options, &*report);
  CheckExpectations(options, &*report);
  return report;
}

}  // namespace gordian::cli
