// The GoogleTest listener behind libsync::JudgeTests().
#include <gtest/gtest.h>
#include <libsync/annotate.h>
#include <libsync/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <system_error>
#include <vector>

#include "absl/strings/str_cat.h"
#include "libsync/testing/moment.h"
#include "libsync/trace/reader.h"
#include "reports/report.h"

// The shim records this program for its own eyes: no watcher, no report, no files that stay.
extern "C" __attribute__((weak)) const char* gordian_default_options() { return "watch=0"; }

namespace gordian::gtest {
namespace {

// Which findings belong to no test but to the order of all: they are new, or they are known.
bool HasNoMoment(const analyze::Finding& finding) {
  const std::string rule = finding.rule->id;
  return rule == "lock-order-cycle" || rule == "join-order-cycle";
}

class Listener : public testing::EmptyTestEventListener {
 public:
  void OnTestProgramStart(const testing::UnitTest& /*unit_test*/) override {
    pid_ = getpid();
    if (const char* path = gordian_trace_path(); path != nullptr) {
      std::error_code ignored;
      path_ = std::filesystem::absolute(path, ignored).string();
    } else {
      std::fputs("gordian: this program is not recorded, so its tests are not judged\n", stderr);
    }
  }

  void OnTestStart(const testing::TestInfo& /*info*/) override {
    const auto run = Read();
    before_ = run.has_value() ? std::optional<Moment>(Now(*run)) : std::nullopt;
  }

  // Appended listeners are told of a test's end before the printer: a failure that is added now counts.
  void OnTestEnd(const testing::TestInfo& info) override {
    const auto run = before_.has_value() ? Read() : std::nullopt;
    if (!run.has_value()) {
      return;
    }
    std::vector<analyze::Finding> findings = FindLeftBehind(*run, *before_, path_);
    for (analyze::Finding& finding : FindMistakes(*run, *before_)) {
      if (!HasNoMoment(finding) || known_.insert(KeyOf(*run, finding)).second) {
        findings.push_back(std::move(finding));
      }
    }
    if (!findings.empty()) {
      ADD_FAILURE_AT(info.file(), info.line()) << Text(*run, findings);
    }
  }

  void OnTestProgramEnd(const testing::UnitTest& /*unit_test*/) override {
    if (pid_ == getpid() && !path_.empty() && IsFolderOurs()) {
      std::error_code ignored;
      std::filesystem::remove_all(std::filesystem::path(path_).parent_path(), ignored);
    }
  }

 private:
  // In a fork child (a death test) there is nothing to judge.
  std::optional<trace::Run> Read() const {
    return pid_ == getpid() && !path_.empty() ? ReadOwnRun(path_) : std::nullopt;
  }

  static std::string Text(const trace::Run& run, const std::vector<analyze::Finding>& findings) {
    const report::Report report = report::BuildReport(run, findings, report::BuildOptions{});
    std::string text = "gordian:";
    for (const report::ReportFinding& finding : report.findings) {
      absl::StrAppend(&text, "\n", report::FindingToText(finding, report::TextOptions{}));
    }
    return text;
  }

  // The shim of this very process made it, and nobody else reads there.
  bool IsFolderOurs() const {
    std::string why;
    const auto header = trace::ReadHeader(path_, &why);
    const std::string folder = std::filesystem::path(path_).parent_path().filename().string();
    return header.has_value() && (header->flags & trace::kPrivateTracer) == 0 &&
           folder.starts_with(absl::StrCat("run-", pid_, "-"));
  }

  pid_t pid_ = 0;
  std::string path_;
  std::optional<Moment> before_;
  std::set<std::string> known_;
};

}  // namespace
}  // namespace gordian::gtest

namespace libsync {

void JudgeTests() { testing::UnitTest::GetInstance()->listeners().Append(new gordian::gtest::Listener); }

}  // namespace libsync
