// Where a finding is for readers that know a source tree: code-scanning services and editors show a file of
// the tree, and nothing else.
//
// Thread safety: pure functions.
#ifndef GORDIAN_REPORTS_SOURCE_PLACE_H_
#define GORDIAN_REPORTS_SOURCE_PLACE_H_

#include <string>
#include <vector>

#include "reports/report.h"

namespace gordian::report {

struct SourcePlace {
  std::string path;      // below the root, or as it was found; of a frame without a file its module
  bool in_tree = false;  // the path is below the root
  int line = 0;          // 0: unknown
  std::string function;
};

SourcePlace SourcePlaceOf(const SourceFrame& frame, const std::string& root);

// The first of the finding's places that lies in the tree; without one, the first that has a file.
SourcePlace MainPlace(const ReportFinding& finding, const std::string& root);

// The findings, those first that a reader must see: new before known, errors before notes, confirmed before
// potential.
std::vector<const ReportFinding*> WorstFirst(const Report& report);

}  // namespace gordian::report

#endif  // GORDIAN_REPORTS_SOURCE_PLACE_H_
