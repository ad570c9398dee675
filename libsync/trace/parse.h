// Turns the bytes of one trace into a Process.
//
// Thread safety: pure functions.
#ifndef GORDIAN_LIBSYNC_TRACE_PARSE_H_
#define GORDIAN_LIBSYNC_TRACE_PARSE_H_

#include <optional>
#include <string>
#include <string_view>

#include "libsync/trace/run.h"

namespace gordian::trace {

// A trace longer than this is read up to here.
inline constexpr uint64_t kMaxTraceBytes = (uint64_t{1} << 32) - kRecordAlign;

// The header at the start of `bytes`, with fields that its writer did not know set to zero.
std::optional<FileHeader> ParseHeader(std::string_view bytes, std::string* why);

// Fills a Process from a header and the file's bytes, header included, to the end of what is in use.
Process Parse(const FileHeader& header, std::string_view bytes);

}  // namespace gordian::trace

#endif  // GORDIAN_LIBSYNC_TRACE_PARSE_H_
