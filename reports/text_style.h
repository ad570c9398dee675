// The building blocks of the text report: safe strings, wrapped paragraphs, colour.
// Thread safety: pure functions.
#ifndef GORDIAN_REPORTS_TEXT_STYLE_H_
#define GORDIAN_REPORTS_TEXT_STYLE_H_

#include <string>
#include <string_view>

#include "reports/report.h"

namespace gordian::report {

// What a target calls its threads and files may be anything: control characters, escape sequences, direction
// overrides and bytes that are no UTF-8 become "\x1b", and text beyond `limit` characters is cut with "...".
std::string Printable(std::string_view text, size_t limit = 400);

// A copy in which every string is printable.
ReportFinding PrintableFinding(ReportFinding finding);
Report PrintableReport(Report report);

// JSON in which no string holds a character that a terminal would obey: "\u202e". REQUIRES: valid JSON.
std::string EscapeInJson(std::string_view json);

// The columns that printable text takes on a terminal, one per code point.
size_t Width(std::string_view text);

// `text` in lines of at most options.width, the first after `first`, the others after `indent` spaces. Breaks
// at spaces only: paths stay whole, so that they can be clicked.
std::string Wrap(const std::string& first, size_t indent, const std::string& text,
                 const TextOptions& options);

// `text` padded with spaces to `width`, or cut with "..." where it is longer.
std::string Fit(const std::string& text, size_t width);

enum class Tone { kError, kWarning, kNote, kMark, kFaint, kBold };

// `text` in the colour of its tone, where the reader asked for colour.
std::string Paint(const std::string& text, Tone tone, bool color);

}  // namespace gordian::report

#endif  // GORDIAN_REPORTS_TEXT_STYLE_H_
