#include "reports/text_frames.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "reports/demangle.h"
#include "reports/frames.h"
#include "reports/text_style.h"

namespace gordian::report {
namespace {

constexpr size_t kStackFrames = 12;
constexpr size_t kVerboseStackFrames = 64;

std::string CurrentDirectory() {
  std::error_code error;
  const std::filesystem::path path = std::filesystem::current_path(error);
  return error || path == "/" ? "" : path.string() + "/";
}

std::string ShortPath(const std::string& file) {
  static const std::string directory = CurrentDirectory();
  return !directory.empty() && file.starts_with(directory) ? file.substr(directory.size()) : file;
}

// Template arguments that fill a line say less than the name they hide.
std::string ShortFunction(const std::string& function, bool verbose) {
  constexpr size_t long_name = 60;
  constexpr size_t longest = 100;
  if (verbose || Width(function) <= long_name) {
    return function;
  }
  const std::string plain = WithoutTemplateArguments(function);
  return Width(plain) <= longest ? plain : Fit(plain, longest);
}

}  // namespace

std::string FrameText(const SourceFrame& frame, const TextOptions& options) {
  const bool verbose = options.verbosity > 0;
  if (IsSignalFrame(frame)) {
    return frame.function;
  }
  const std::string module =
      absl::StrCat(frame.module.empty() ? "" : BaseName(frame.module), "+0x", absl::Hex(frame.offset));
  const std::string inexact = frame.inexact ? " [inexact]" : "";
  if (frame.function.empty() && frame.file.empty()) {
    return module + inexact;
  }
  const std::string function = frame.function.empty() ? "??" : ShortFunction(frame.function, verbose);
  const std::string inlined = verbose && frame.inlined ? " [inlined]" : "";
  if (frame.file.empty()) {
    return absl::StrCat(function, "  (", module, ")", inexact);
  }
  const std::string line = frame.line > 0 ? absl::StrCat(":", frame.line) : "";
  const std::string raw = verbose ? absl::StrCat("  (", module, ")") : "";
  return absl::StrCat(function, "  ", ShortPath(frame.file), line, inlined, inexact, raw);
}

std::string PlaceText(const SourceFrame& frame) {
  if (frame.file.empty()) {
    return ShortPlace(frame);
  }
  return absl::StrCat(ShortPath(frame.file), ":", std::max(frame.line, 1));
}

std::string StackText(const Frames& stack, const std::string& indent, const TextOptions& options) {
  const bool verbose = options.verbosity > 0;
  const Frames frames = verbose ? stack : ShownFrames(stack);
  const size_t shown = std::min(frames.size(), verbose ? kVerboseStackFrames : kStackFrames);
  const size_t place = PlaceIn(frames);
  std::string out;
  for (size_t i = 0; i < shown; ++i) {
    const std::string mark = i == place ? Paint(">", Tone::kMark, options.color) : " ";
    absl::StrAppend(&out, indent, mark, " #", i, " ", FrameText(frames[i], options), "\n");
  }
  if (shown < frames.size()) {
    absl::StrAppend(&out, indent, "  ... ", frames.size() - shown, " frames more\n");
  }
  return out;
}

}  // namespace gordian::report
