#include "reports/formats.h"

#include <algorithm>

#include "reports/suppressions.h"

namespace gordian::report {
namespace {

constexpr Format kFormats[] = {
    {"json", "the JSON report", ToJson},
    {"gen-suppressions", "the suppressions", SuppressionsFor, true},
};

}  // namespace

std::span<const Format> Formats() { return kFormats; }

const Format& FormatByName(std::string_view name) {
  return *std::find_if(std::begin(kFormats), std::end(kFormats),
                       [name](const Format& format) { return format.name == name; });
}

}  // namespace gordian::report
