// The formats of a report: each is one function from a Report to text, in a file of its own. A format makes
// no judgement.
//
// Thread safety: pure functions.
#ifndef GORDIAN_REPORTS_FORMATS_H_
#define GORDIAN_REPORTS_FORMATS_H_

#include <span>
#include <string>
#include <string_view>

#include "reports/report.h"

namespace gordian::report {

struct Format {
  const char* name;  // as in the option --NAME FILE
  const char* what;  // "the JSON report"
  std::string (*write)(const Report& report);
  bool adds = false;  // to what the file holds already
};

std::span<const Format> Formats();

// REQUIRES: there is one of this name.
const Format& FormatByName(std::string_view name);

}  // namespace gordian::report

#endif  // GORDIAN_REPORTS_FORMATS_H_
