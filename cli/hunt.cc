// `gordian hunt -n RUNS -- CMD`: many runs, each with other random pauses, and everything that any of them
// found.
#include <unistd.h>

#include <cstdio>

#include "absl/strings/str_cat.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/message.h"
#include "cli/trial.h"
#include "libsync/analyze/detector.h"
#include "reports/report.h"

namespace gordian::cli {
namespace {

struct Caught {
  report::ReportFinding finding;
  uint64_t runs = 0;
  uint64_t seed = 0;  // of the first
};

class Bag {
 public:
  // Returns whether something confirmed is among them.
  bool Add(const report::Report& report, uint64_t seed) {
    bool confirmed = false;
    for (const report::ReportFinding& finding : report.findings) {
      confirmed = confirmed || (finding.confidence == "confirmed" && finding.level == "error");
      Caught* known = Find(finding.fingerprint);
      if (known == nullptr) {
        caught_.push_back({finding, 0, seed});
        known = &caught_.back();
      }
      ++known->runs;
    }
    return confirmed;
  }
  const std::vector<Caught>& caught() const { return caught_; }
  uint64_t Errors() const {
    uint64_t errors = 0;
    for (const Caught& caught : caught_) {
      errors += caught.finding.level == "error" ? 1 : 0;
    }
    return errors;
  }

 private:
  Caught* Find(const std::string& fingerprint) {
    for (Caught& caught : caught_) {
      if (caught.finding.fingerprint == fingerprint) {
        return &caught;
      }
    }
    return nullptr;
  }

  std::vector<Caught> caught_;
};

void ShowProgress(uint64_t done, uint64_t runs, const Bag& bag) {
  constexpr uint64_t width = 30;
  if (isatty(STDERR_FILENO) == 0) {
    return;
  }
  const uint64_t filled = runs == 0 ? width : done * width / runs;
  std::fprintf(stderr, "\rgordian: hunt [%s%s] %lu/%lu, %lu errors", std::string(filled, '#').c_str(),
               std::string(width - filled, ' ').c_str(), static_cast<unsigned long>(done),
               static_cast<unsigned long>(runs), static_cast<unsigned long>(bag.Errors()));
  if (done == runs) {
    std::fputc('\n', stderr);
  }
}

void PrintBag(const Bag& bag, uint64_t done, const std::vector<std::string>& command) {
  for (const Caught& caught : bag.caught()) {
    std::fputs(report::FindingToText(caught.finding, {}).c_str(), stdout);
    std::printf("  In %lu of %lu runs, first with: gordian run --perturb=%lu %s\n\n",
                static_cast<unsigned long>(caught.runs), static_cast<unsigned long>(done),
                static_cast<unsigned long>(caught.seed), ShellCommand(command).c_str());
  }
  std::printf("gordian: hunt: %lu findings, %lu of them errors, in %lu runs\n",
              static_cast<unsigned long>(bag.caught().size()), static_cast<unsigned long>(bag.Errors()),
              static_cast<unsigned long>(done));
}

}  // namespace

int HuntCommand(const TryOptions& options, const std::vector<std::string>& command) {
  const TrialFolder folder;
  if (!folder.valid()) {
    Message(ErrnoText("cannot make a folder for the runs"));
    return kExitGordian;
  }
  Bag bag;
  uint64_t done = 0;
  bool over = false;
  while (done < options.runs && !over) {
    Plan plan;
    plan.wishes = trace::kDisturb;
    plan.seed = options.seed + done;
    const Trial trial = RunTrial(plan, options, command, folder);
    int exit_code = 0;
    if (CouldNotStart(trial, &exit_code)) {
      Message(absl::StrCat("cannot run the program: ", trial.problem));
      return exit_code;
    }
    ++done;
    over =
        bag.Add(report::BuildReport(*trial.run, analyze::Analyze(*trial.run), {}), plan.seed) && options.stop;
    ShowProgress(over ? options.runs : done, options.runs, bag);
  }
  PrintBag(bag, done, command);
  return bag.Errors() != 0 ? 66 : 0;
}

}  // namespace gordian::cli
