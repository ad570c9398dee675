#include "reports/frames.h"

#include <algorithm>
#include <iterator>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "libsync/trace/interpreters.h"

namespace gordian::report {
namespace {

// Matched at the start of a module's base name.
constexpr std::string_view kRuntimeModules[] = {
    "libc.so",      "libc-2.",    "libpthread.so", "libpthread-2.", "libstdc++.so", "libgcc_s.so",
    "ld-linux",     "ld-2.",      "libm.so",       "librt.so",      "libdl.so",     "libc++.so",
    "libc++abi.so", "libasan.so", "libtsan.so",    "libubsan.so",   "linux-vdso",   "[vdso]",
};

// Matched at the start of a function's name.
constexpr std::string_view kRuntimeFunctions[] = {
    "std::",          "__gnu_cxx::", "__gthread", "__gthrw",
    "pthread_",       "__pthread_",  "mtx_",      "cnd_",
    "thrd_",          "_start",      "__libc_",   "start_thread",
    "__clone",        "clone3",      "_dl_",      "__static_initialization_and_destruction",
    "_GLOBAL__sub_I",
};

// As debuggers write it. It belongs to the machinery, and is no place of a finding.
constexpr std::string_view kSignalFunction = "<signal handler called>";
constexpr std::string_view kSignalModule = "linux-vdso";

constexpr std::string_view kOwnModule = "libgordian_preload.so";

template <size_t kCount>
bool StartsWithAny(std::string_view text, const std::string_view (&prefixes)[kCount]) {
  return std::any_of(std::begin(prefixes), std::end(prefixes),
                     [text](std::string_view prefix) { return text.starts_with(prefix); });
}

}  // namespace

std::string BaseName(const std::string& path) { return path.substr(path.rfind('/') + 1); }

bool IsOwnFrame(const SourceFrame& frame) { return BaseName(frame.module).starts_with(kOwnModule); }

bool IsRuntimeFrame(const SourceFrame& frame) {
  if (frame.language == kPython) {
    return trace::IsPythonLibrary(frame.file);
  }
  // Of Python's standard library.
  const bool is_extension = frame.module.find("/lib-dynload/") != std::string::npos;
  return IsOwnFrame(frame) || is_extension || StartsWithAny(BaseName(frame.module), kRuntimeModules) ||
         StartsWithAny(frame.function, kRuntimeFunctions);
}

Frames ProjectFrames(const Frames& stack) {
  Frames project;
  std::copy_if(stack.begin(), stack.end(), std::back_inserter(project),
               [](const SourceFrame& frame) { return !IsRuntimeFrame(frame); });
  return project.empty() ? stack : project;
}

SourceFrame SignalFrame() {
  SourceFrame frame;
  frame.function = std::string(kSignalFunction);
  frame.module = std::string(kSignalModule);
  return frame;
}

bool IsSignalFrame(const SourceFrame& frame) { return frame.function == kSignalFunction; }

Frames ShownFrames(const Frames& stack) {
  Frames shown;
  for (size_t i = 0; i < stack.size(); ++i) {
    const bool interrupted = i > 0 && IsSignalFrame(stack[i - 1]);
    if (interrupted || IsSignalFrame(stack[i]) || !IsRuntimeFrame(stack[i])) {
      shown.push_back(stack[i]);
    }
  }
  return shown.empty() ? stack : shown;
}

size_t PlaceIn(const Frames& stack) {
  const auto place = std::find_if(stack.begin(), stack.end(), [](const SourceFrame& frame) {
    return !IsRuntimeFrame(frame) && !frame.wrapper;
  });
  return place == stack.end() ? 0 : static_cast<size_t>(place - stack.begin());
}

SourceFrame TopFrame(const Frames& stack) { return stack[PlaceIn(stack)]; }

std::optional<SourceFrame> FirstPlace(const ReportFinding& finding) {
  for (const ReportThread& thread : finding.threads) {
    for (const Frames* stack : {&thread.at, &thread.waits.stack, &thread.created}) {
      if (!stack->empty()) {
        return TopFrame(*stack);
      }
    }
  }
  for (const ReportProcess& process : finding.processes) {
    if (!process.created.empty()) {
      return TopFrame(process.created);
    }
  }
  return std::nullopt;
}

std::string ShortPlace(const SourceFrame& frame) {
  if (!frame.file.empty() && frame.line > 0) {
    return absl::StrCat(BaseName(frame.file), ":", frame.line);
  }
  if (!frame.function.empty()) {
    return frame.function;
  }
  return absl::StrCat(frame.module.empty() ? "" : BaseName(frame.module), "+0x", absl::Hex(frame.offset));
}

}  // namespace gordian::report
