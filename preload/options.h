// GORDIAN_OPTIONS="key=value:key=value" as the shim reads it. docs/cli.md lists the keys; those that only the
// watcher needs are passed on to it unread.
#ifndef GORDIAN_PRELOAD_OPTIONS_H_
#define GORDIAN_PRELOAD_OPTIONS_H_

#include <cstddef>

namespace gordian::preload {

inline constexpr const char* kOptionsVariable = "GORDIAN_OPTIONS";

// The value of `key` and its length, null if it is not set. A value ends at the next ':'.
const char* FindOption(const char* options, const char* key, size_t* bytes);
bool CopyOption(const char* options, const char* key, char* out, size_t room);
bool OptionIs(const char* options, const char* key, const char* value);

// Whether this image is to be recorded, by only= and skip= (globs on the executable's base name, separated by
// ',').
bool IsSelected(const char* options);

// Sets GORDIAN_OPTIONS of this process without malloc: the environment array is replaced by one of ours.
void SetOptionsVariable(const char* value);

}  // namespace gordian::preload

#endif  // GORDIAN_PRELOAD_OPTIONS_H_
