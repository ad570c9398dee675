#include "reports/futex_text.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "reports/demangle.h"
#include "reports/frames.h"

namespace gordian::report {
namespace {

// The public classes of which the functions are members, by the bases that have them in libstdc++.
std::string PublicName(const std::string& function) {
  constexpr std::pair<std::string_view, std::string_view> kBases[] = {
      {"std::__atomic_base::", "std::atomic::"}, {"std::__basic_future::", "std::future::"}};
  for (const auto& [base, name] : kBases) {
    if (function.starts_with(base)) {
      return std::string(name) + function.substr(base.size());
    }
  }
  return function;
}

// What the program calls of the standard library in order to wait: the outermost of the library's frames
// inside the innermost of the program's.
std::string Waiter(const Frames& stack) {
  std::string waiter;
  for (const SourceFrame& frame : stack) {
    if (IsOwnFrame(frame)) {
      continue;
    }
    if (!IsRuntimeFrame(frame)) {
      const bool nameless = frame.function.empty() && frame.file.empty() && !frame.module.empty();
      return waiter.empty() && nameless ? absl::StrCat("a wait of ", BaseName(frame.module)) : waiter;
    }
    if (frame.function.starts_with("std::")) {
      waiter = absl::StrCat(PublicName(WithoutTemplateArguments(frame.function)), "()");
    }
  }
  return "";
}

}  // namespace

std::string VariableAt(const trace::Process& process, uint64_t address, Symbolizer* symbolizer) {
  const auto module =
      std::find_if(process.modules.begin(), process.modules.end(),
                   [address](const trace::Module& m) { return address >= m.start && address < m.end; });
  if (module == process.modules.end()) {
    return "";
  }
  std::string name = symbolizer->DataName(
      process, {static_cast<trace::Index>(module - process.modules.begin()), address - module->start});
  // The C++ library lets many waits share a table of its own, whose name says nothing.
  return name.starts_with("std::") ? "" : name;
}

std::string FutexText(const trace::Process& process, const trace::Wait& wait, Symbolizer* symbolizer) {
  const std::string waiter = Waiter(symbolizer->ResolveStack(process, wait.stack));
  const std::string variable = VariableAt(process, wait.address, symbolizer);
  return absl::StrCat(waiter.empty() ? kBareFutex : waiter, variable.empty() ? "" : " for ", variable);
}

}  // namespace gordian::report
