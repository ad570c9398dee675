// Finds the file that holds a module's symbols: the module itself, and its separate debug file by build-id or
// debug link. Looks at local files only; never at a network, whatever DEBUGINFOD_URLS says.
// Thread safety: pure functions.
#ifndef GORDIAN_REPORTS_DEBUG_FILES_H_
#define GORDIAN_REPORTS_DEBUG_FILES_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace gordian::report {

// A regular file opened for reading, or -1. Never blocks on a FIFO or a device that took the module's place.
int OpenRegularFile(const std::string& path);

// The build-id of an ELF file in lower-case hex; empty when it has none; nullopt when it is no ELF file.
std::optional<std::string> BuildIdOfFile(const std::string& path);

// The debug file with exactly this build-id below one of the directories' .build-id folders, or "".
std::string DebugFileByBuildId(const std::string& build_id, const std::vector<std::string>& directories);

// The debug file that .gnu_debuglink of the module at `path` names, where its checksum agrees, or "".
std::string DebugFileByLink(const std::string& path, const std::string& link, uint32_t crc,
                            const std::vector<std::string>& directories);

// The file at `path`, or its separate debug file, tells lines.
bool HasDebugInformation(const std::string& path,
                         const std::vector<std::string>& directories = {"/usr/lib/debug"});

}  // namespace gordian::report

#endif  // GORDIAN_REPORTS_DEBUG_FILES_H_
