// One fingerprint is one finding. Findings that have the same one, of whatever threads, processes and tests,
// become one with a count, in which each distinct place stands with its own.
//
// Thread safety: none; functions without shared state.
#ifndef GORDIAN_REPORTS_MERGE_H_
#define GORDIAN_REPORTS_MERGE_H_

#include <map>
#include <string>
#include <vector>

#include "reports/report.h"

namespace gordian::report {

// Equal for findings at the same place: what decides are the innermost project frames, not who called them.
std::string PlaceKey(const std::vector<ReportThread>& threads, const std::vector<ReportProcess>& processes);

// Whether the place is the one that the finding itself shows.
bool IsShownPlace(const ReportPlace& place, const ReportFinding& finding);

class FindingMerger {
 public:
  // Near misses of one fingerprint differ in why they cannot happen; of findings it only makes the level.
  explicit FindingMerger(bool are_near_misses = false) : are_near_misses_(are_near_misses) {}

  void Add(ReportFinding finding);
  // In the order in which they came. Each shows the worst of those that it stands for.
  std::vector<ReportFinding> Take();

 private:
  struct Merged {
    ReportFinding finding;
    std::map<std::string, ReportPlace> places;
  };
  static void AddPlaces(std::vector<ReportPlace> places, Merged* merged);

  const bool are_near_misses_;
  std::vector<Merged> merged_;
  std::map<std::string, size_t> known_;  // by what makes two findings one
};

}  // namespace gordian::report

#endif  // GORDIAN_REPORTS_MERGE_H_
