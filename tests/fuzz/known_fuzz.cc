// libFuzzer target: any bytes are a file of suppressions, a baseline, or a JSON report, which is then written
// in every format. Configure with clang and -DGORDIAN_FUZZ=ON, then run
//   tests/known_fuzz -max_len=16384
#include <cstddef>
#include <cstdint>
#include <string>

#include "reports/baseline.h"
#include "reports/formats.h"
#include "reports/read_report.h"
#include "reports/suppressions.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace gordian::report;  // NOLINT(google-build-using-namespace): nothing else is here
  const std::string input(reinterpret_cast<const char*>(data), size);
  std::string why;
  Suppressions suppressions;
  suppressions.Add("fuzz.supp", input);
  const auto baseline = Baseline::Read(input, &why);
  // Few inputs get past the schema.
  auto report = ReadReport(input, &why);
  if (!report.has_value()) {
    report = ReadReport("{\"schema\": \"gordian.report/1\", \"findings\": [" + input + "]}", &why);
  }
  if (!report.has_value()) {
    report.emplace();
  }
  suppressions.Mark("2026-01-01", &*report);
  if (baseline.has_value()) {
    baseline->Mark("fuzz.json", &*report);
  }
  ToText(*report, {});
  for (const Format& format : Formats()) {
    format.write(*report, {});
  }
  return 0;
}
