// What kind of code a frame is: the user's, or the machinery around it.
// Thread safety: pure functions.
#ifndef GORDIAN_REPORTS_FRAMES_H_
#define GORDIAN_REPORTS_FRAMES_H_

#include <cstddef>
#include <optional>
#include <string>

#include "reports/report.h"

namespace gordian::report {

// The last part of a path.
std::string BaseName(const std::string& path);

// Gordian's own hooks: never shown, in no report.
bool IsOwnFrame(const SourceFrame& frame);

// The C library, the C++ runtime, the dynamic linker, and the standard library's inline code. What remains
// are project frames: those that a user can change.
bool IsRuntimeFrame(const SourceFrame& frame);

// The project frames, or all frames when there are none.
Frames ProjectFrames(const Frames& stack);

// Stands between a signal's handler and what the signal interrupted.
SourceFrame SignalFrame();
bool IsSignalFrame(const SourceFrame& frame);

// What people are shown: the project frames, and where a signal came, whatever it interrupted.
Frames ShownFrames(const Frames& stack);

// Where something happened: the index of the innermost project frame that is no lock wrapper; 0 if there is
// none.
size_t PlaceIn(const Frames& stack);

// The frame there. REQUIRES: the stack is not empty.
SourceFrame TopFrame(const Frames& stack);

// Where a finding is, for one line: the first place that it names.
std::optional<SourceFrame> FirstPlace(const ReportFinding& finding);

// "cache.cc:12" for a frame with a line, else "Cache::Load", else "libfoo.so+0x12f4".
std::string ShortPlace(const SourceFrame& frame);

}  // namespace gordian::report

#endif  // GORDIAN_REPORTS_FRAMES_H_
