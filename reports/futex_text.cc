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

// "a wait of libgomp.so.1", where the innermost frame is of a library without names, or "".
std::string NamelessWait(const Frames& stack) {
  const auto frame = std::find_if_not(stack.begin(), stack.end(), IsRuntimeFrame);
  const bool nameless = frame != stack.end() && frame->function.empty() && frame->file.empty();
  return nameless && !frame->module.empty() ? absl::StrCat("a wait of ", BaseName(frame->module)) : "";
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
  // The C++ library lets many waits share a table of its own, whose name says nothing. Nor do the members
  // that C libraries give their types.
  return name.starts_with("std::") ? "" : name.substr(0, name.find(".__"));
}

// The outermost of the library's frames inside the innermost of the program's.
std::string StandardWait(const trace::Process& process, const trace::Wait& wait, Symbolizer* symbolizer) {
  const Frames stack = symbolizer->ResolveStack(process, wait.stack);
  std::string waiter;
  for (const SourceFrame& frame : stack) {
    if (!IsRuntimeFrame(frame)) {
      return waiter;
    }
    if (frame.function.starts_with("std::")) {
      waiter = absl::StrCat(PublicName(WithoutTemplateArguments(frame.function)), "()");
    }
  }
  return "";
}

std::string FutexText(const trace::Process& process, const trace::Wait& wait, Symbolizer* symbolizer) {
  std::string waiter = StandardWait(process, wait, symbolizer);
  if (waiter.empty()) {
    waiter = NamelessWait(symbolizer->ResolveStack(process, wait.stack));
  }
  const std::string variable = VariableAt(process, wait.address, symbolizer);
  return absl::StrCat(waiter.empty() ? "futex" : waiter, variable.empty() ? "" : " for ", variable);
}

}  // namespace gordian::report
