// Small files and folders, read and written whole.
#ifndef GORDIAN_CLI_FILE_UTIL_H_
#define GORDIAN_CLI_FILE_UTIL_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace gordian::cli {

// The names in a folder without . and .., in no order; empty if it cannot be read.
std::vector<std::string> ListNames(const std::string& folder);

// The first `limit` bytes of a file; empty if it cannot be read. Works for /proc, where sizes are unknown.
std::string ReadSmallFile(const std::string& path, size_t limit = 65536);

// The whole of a file, which must not be longer than `limit`. nullopt, and `why`: "FILE: No such file".
std::optional<std::string> ReadFile(const std::string& path, size_t limit, std::string* why);

bool WriteSmallFile(const std::string& path, const std::string& text);

// Writes all of it; false when the rest could not be written.
bool WriteAll(int fd, const std::string& text);

// Copies the first `bytes` of a regular file; false and errno when it could not.
bool CopyFile(const std::string& from, const std::string& to, uint64_t bytes);

}  // namespace gordian::cli

#endif  // GORDIAN_CLI_FILE_UTIL_H_
