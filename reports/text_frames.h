// Frames and stacks as lines of text.
//
// Thread safety: functions without shared state.
#ifndef GORDIAN_REPORTS_TEXT_FRAMES_H_
#define GORDIAN_REPORTS_TEXT_FRAMES_H_

#include <string>

#include "reports/report.h"

namespace gordian::report {

// "function  file.cc:12", "function  (module+0x12)" or "module+0x12". Paths below the current directory are
// short.
std::string FrameText(const SourceFrame& frame, const TextOptions& options);

// "src/file.cc:12", which editors and CI open; without a file as ShortPlace().
std::string PlaceText(const SourceFrame& frame);

// The frames of a stack, one a line after `indent`; where it happened is marked.
std::string StackText(const Frames& stack, const std::string& indent, const TextOptions& options);

}  // namespace gordian::report

#endif  // GORDIAN_REPORTS_TEXT_FRAMES_H_
